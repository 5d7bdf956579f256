/** Pull requests of labkeeper's own: what calls for one, and when it is beside the point. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestRecord } from "../../src/github-ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { aChange, aPullRequest, idOf, merged, mergeReviewed } from "./pull-request-seed.ts";
import { absences, applyCatalog, claimOne, makeReady } from "./seed.ts";

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

const HOURS = 3_600_000;
const inHours = (hours: number): Date => new Date(Date.now() + hours * HOURS);
const file = (ttlHours = 24) => aLabFile("a", { spec: { ttlHours } });

/** Lab a, one hour before its end, and what asks for its removal. */
async function anExpiringLab(): Promise<RequestRecord> {
  await applyCatalog(store, [file()]);
  await makeReady(store);
  await applyCatalog(store, [file()], { now: inHours(23) });
  const [found] = await store.expiringWithoutRequest();
  if (found === undefined) throw new Error("nothing expires");
  return {
    labId: found.labId,
    lab: found.lab,
    purpose: "expire",
    detail: found.expiresAt.toISOString(),
    branch: `labkeeper/expire/${found.lab}`,
    askedBy: { login: "labkeeper", id: null },
    pullRequest: null,
  };
}
const lacking = async (): Promise<string[]> => (await store.expiringWithoutRequest()).map(({ lab }) => lab);
const obsolete = async (): Promise<string[]> => (await store.obsoleteRequests()).map(({ purpose }) => purpose);

describe("a lab whose expiry was told", () => {
  test("lacks a pull request until one is opened, also after a crash in between", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    const request = await anExpiringLab();
    expect(await store.expiringWithoutRequest()).toEqual([
      {
        labId: await idOf(store, "a"),
        lab: "a",
        team: "team-a",
        owner: "octocat",
        path: "labs/team-a/a.yaml",
        expiresAt: new Date(request.detail),
        pullRequest: 1,
      },
    ]);
    await store.recordRequest(request);
    expect(await lacking()).toEqual(["a"]);
    await store.recordRequest({ ...request, pullRequest: 2 });
    expect(await lacking()).toEqual([]);
    // A record that comes late takes no number away.
    await store.recordRequest(request);
    expect(await lacking()).toEqual([]);
  });

  test("is marked as labkeeper's own, whichever was recorded first", async () => {
    const request = await anExpiringLab();
    const purposes = async () => (await store.openPullRequests()).map(({ purpose }) => purpose);
    await store.recordPullRequests([aPullRequest(2)]);
    expect(await purposes()).toEqual([null]);
    await store.recordRequest({ ...request, pullRequest: 2 });
    expect(await purposes()).toEqual(["expire"]);
    await store.recordRequest({ ...request, purpose: "extend", detail: "30h", branch: "other", pullRequest: 3 });
    await store.recordPullRequests([aPullRequest(3)]);
    expect(await purposes()).toEqual(["expire", "extend"]);
  });

  test("lacks none when it goes anyhow", async () => {
    await anExpiringLab();
    await store.cancel("a", "octocat");
    expect(await lacking()).toEqual([]);
  });

  test("lacks another one for a new end, once that was told", async () => {
    const request = { ...(await anExpiringLab()), pullRequest: 2 };
    await store.recordRequest(request);
    await applyCatalog(store, [file(48)], { now: inHours(23) });
    expect(await lacking()).toEqual([]);
    await applyCatalog(store, [file(48)], { now: inHours(47) });
    expect(await lacking()).toEqual(["a"]);
  });
});

describe("is beside the point", () => {
  /** The request with its open pull request. */
  async function opened(request: RequestRecord): Promise<RequestRecord> {
    const own = aPullRequest(2, { author: "labkeeper[bot]" });
    await store.recordRequest({ ...request, pullRequest: own.number });
    await store.recordPullRequests([own]);
    return { ...request, pullRequest: own.number };
  }
  const finishDestroy = async () => store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });

  test("the end of a lab that was given more hours; closed, it is not opened again", async () => {
    const request = await opened(await anExpiringLab());
    expect(await obsolete()).toEqual([]);
    await applyCatalog(store, [file(48)], { now: inHours(23) });
    expect(await store.obsoleteRequests()).toEqual([request]);
    await store.recordClosed(request);
    expect(await obsolete()).toEqual([]);
    await raw.query("update labs set expires_at = $1, warned_at = now()", [request.detail]);
    expect(await lacking()).toEqual([]);
  });

  test("one that was never opened too", async () => {
    await store.recordRequest(await anExpiringLab());
    await applyCatalog(store, [file(48)], { now: inHours(23) });
    expect(await obsolete()).toEqual(["expire"]);
  });

  test("not the end of a lab that did end: merging it tidies the file", async () => {
    await opened(await anExpiringLab());
    await applyCatalog(store, [file()], { now: inHours(25) });
    await finishDestroy();
    expect(await store.labs(true)).toMatchObject([{ lab: { state: "destroyed" } }]);
    expect(await obsolete()).toEqual([]);
    await applyCatalog(store, []);
    expect(await obsolete()).toEqual(["expire"]);
  });

  test("hours for a lab that goes, and the destruction of one that is gone", async () => {
    const request = await anExpiringLab();
    await store.recordRequest({ ...request, purpose: "extend", detail: "48h", branch: "e" });
    await store.recordRequest({ ...request, purpose: "destroy", detail: "", branch: "d" });
    expect(await obsolete()).toEqual([]);
    await store.cancel("a", "octocat");
    expect(await obsolete()).toEqual(["extend"]);
    await finishDestroy();
    expect(await obsolete()).toEqual(["extend", "destroy"]);
  });

  test("none that was merged or closed", async () => {
    await opened(await anExpiringLab());
    await store.recordPullRequests([merged(aPullRequest(2))]);
    await applyCatalog(store, []);
    expect(await obsolete()).toEqual([]);
  });
});
