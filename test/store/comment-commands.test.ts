/** What people ask for in comments, whose change a hold holds, and calls from the host. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Held, Plan } from "../../src/core/types.ts";
import type { CommentCommand } from "../../src/github-ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { aChange, aPullRequest, aReview, idOf, mergeReviewed, record } from "./pull-request-seed.ts";
import { applyCatalog, makeReady } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeEach(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterEach(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

const aCommand = (commentId: number, command = "/lab help"): CommentCommand => ({
  commentId,
  commentUrl: `https://github.com/octo-org/labs/pull/1#issuecomment-${commentId}`,
  pullRequest: 1,
  author: "monalisa",
  authorId: 1001,
  command,
  at: new Date(1_700_000_000_000),
});

describe("a command", () => {
  test("is heard once in its comment's life and answered once", async () => {
    const [seven, eight] = [aCommand(7), aCommand(8, "/lab retry a\0")];
    expect(await store.receive([seven])).toEqual([seven]);
    expect(await store.receive([eight, seven])).toMatchObject([{ commentId: 8, command: "/lab retry a\ufffd" }]);
    expect(await store.receive([])).toEqual([]);
    expect((await store.unanswered()).map(({ commentId }) => commentId)).toEqual([7, 8]);
    await store.answer(8, "refused", "You may not.\0");
    await store.answer(8, "done", "After all.");
    expect(await store.unanswered()).toEqual([seven]);
    expect(await store.commandAnswers(1)).toMatchObject([
      { command: "/lab help", state: "received", answer: "", author: "monalisa", at: seven.at },
      { commentUrl: eight.commentUrl, state: "refused", answer: "You may not.\ufffd" },
    ]);
    expect(await store.commandAnswers(2)).toEqual([]);
  });

  test("that is longer than anything labkeeper understands is kept as far as that", async () => {
    const [kept] = await store.receive([aCommand(7, `/lab ${"x".repeat(1_000)}`)]);
    expect(kept?.command).toHaveLength(500);
  });

  test("comments have large numbers", async () => {
    await store.receive([aCommand(3_456_789_012)]);
    expect(await store.unanswered()).toMatchObject([{ commentId: 3_456_789_012 }]);
  });
});

describe("whose change a hold holds", () => {
  const held = (id: string, approvable = true): Held => ({
    hold: id,
    guard: "destroy-budget",
    message: "m",
    release: "r",
    approvable,
  });
  const holding =
    (id: string) =>
    (plan: Plan): Plan => ({
      ...plan,
      changes: plan.changes.map((change) => ({ ...change, held: held(id) })),
    });
  /** Lab a, and the hold on its destroy. */
  async function aHeldDestroy(): Promise<string> {
    await applyCatalog(store, [aLabFile("a")]);
    await makeReady(store);
    return idOf(store, "a");
  }
  const hold = () => applyCatalog(store, [], { hold: holding("hold-a") });

  test("nobody's, when it is not known", async () => {
    expect(await store.holdOrigin("hold-none")).toBeNull();
  });

  test("no pull request's after a direct push, though one made the lab", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    await aHeldDestroy();
    await hold();
    expect(await store.holdOrigin("hold-a")).toEqual({
      smuggled: false,
      lab: "a",
      team: "team-a",
      guard: "destroy-budget",
      pullRequest: null,
      author: null,
    });
  });

  test("the last that does that to the lab, where no plan foretold it", async () => {
    const labId = await aHeldDestroy();
    await mergeReviewed(store, aPullRequest(1), [aChange("a", { action: "destroy", labId })]);
    await hold();
    expect(await store.holdOrigin("hold-a")).toMatchObject({ pullRequest: 1, author: { login: "octocat" } });
  });

  test("the one whose plan foretold it, whatever was merged since", async () => {
    const labId = await aHeldDestroy();
    const change = aChange("a", { action: "destroy", labId });
    await mergeReviewed(store, aPullRequest(1, { author: "monalisa" }), [{ ...change, held: held("hold-a") }]);
    await mergeReviewed(store, aPullRequest(2), [{ ...change, held: held("hold-other") }]);
    await hold();
    expect(await store.holdOrigin("hold-a")).toMatchObject({ pullRequest: 1, author: { login: "monalisa" } });
  });

  test("of one that labkeeper opened: whoever asked for it", async () => {
    const labId = await aHeldDestroy();
    const request = { labId, lab: "a", purpose: "destroy", detail: "", branch: "labkeeper/destroy/a" } as const;
    await store.recordRequest({ ...request, askedBy: { login: "monalisa", id: null }, pullRequest: 1 });
    const own = aPullRequest(1, { author: "labkeeper[bot]" });
    await mergeReviewed(store, own, [aChange("a", { action: "destroy", labId })]);
    await hold();
    expect(await store.holdOrigin("hold-a")).toMatchObject({ pullRequest: 1, author: { login: "monalisa" } });
  });

  test("of an open one, before anything is held", async () => {
    const labId = await aHeldDestroy();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [aChange("a", { action: "destroy", labId, held: held("hold-a") })]));
    expect(await store.holdOrigin("hold-a")).toEqual({
      smuggled: false,
      lab: "a",
      team: "team-a",
      guard: "destroy-budget",
      pullRequest: 1,
      author: { login: "octocat", id: null },
    });
  });
});

describe("calls from the host", () => {
  test("count once, until they are forgotten", async () => {
    expect(await store.recordDelivery("d-1", "push")).toBe(true);
    expect(await store.recordDelivery("d-1", "push")).toBe(false);
    await raw.query("update webhook_deliveries set received_at = now() - interval '15 days'");
    expect(await store.recordDelivery("d-2", "push")).toBe(true);
    expect(await store.forgetDeliveries(new Date(Date.now() - 14 * 86_400_000))).toBe(1);
    expect(await store.recordDelivery("d-1", "push")).toBe(true);
    expect(await store.recordDelivery("d-2", "push")).toBe(false);
  });

  test("wake other processes", async () => {
    let rings = 0;
    await using other = await openStore(database.connection);
    await using _listening = await other.onWork(() => {
      rings += 1;
    });
    const before = rings;
    await store.wake();
    await vi.waitFor(() => expect(rings).toBeGreaterThan(before), 20_000);
  });
});
