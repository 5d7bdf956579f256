/** What Postgres itself enforces about pull requests: each rule is broken on purpose, as a defective program would. */

import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, commitNumber } from "../fixtures.ts";
import { aChange, aPullRequest, aReview, idOf, merged, mergeReviewed, record } from "./pull-request-seed.ts";
import { applyCatalog, makeReady } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;
let labId: string;
let number = 0;

beforeAll(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  labId = await idOf(store, "a");
});
afterAll(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});
beforeEach(() => {
  number += 1;
});

const refused = async (sql: string, values: unknown[] = []): Promise<string> => {
  await raw.query("begin");
  try {
    await raw.query(sql, values);
    await raw.query("commit");
    return "accepted";
  } catch (error) {
    await raw.query("rollback");
    return (error as { constraint?: string }).constraint ?? (error as { code: string }).code;
  }
};
const gone = () => aChange("a", { action: "destroy", labId });
const licences = async (): Promise<number> =>
  (await raw.query("select from lk_reviewed_labs where pull_request = $1", [number])).rowCount ?? 0;

describe("a merge cannot be undone", () => {
  test.each([
    "state = 'open', merge_commit = null, ended_at = null",
    "state = 'closed', merge_commit = null",
    "head_commit = 'another'",
    "merge_commit = 'another'",
    "ended_at = ended_at + interval '1 day'",
  ])("%s", async (change) => {
    await mergeReviewed(store, aPullRequest(number), []);
    expect(await refused(`update pull_requests set ${change} where number = $1`, [number])).toBe("LK002");
  });

  test("nor forgotten", async () => {
    await mergeReviewed(store, aPullRequest(number), []);
    expect(await refused("delete from pull_requests where number = $1", [number])).toBe("LK003");
  });

  test("a state that does not fit the rest of the row", async () => {
    await store.recordPullRequests([aPullRequest(number)]);
    for (const change of [
      "state = 'merged', ended_at = now()",
      "state = 'closed'",
      "merge_commit = 'm'",
      "state = 'lost'",
    ])
      expect(await refused(`update pull_requests set ${change} where number = $1`, [number]), change).toMatch(/_check/);
  });
});

describe("P1 what was planned after the merge licenses no destroy", () => {
  const insertReview = `insert into reviews (pull_request, head_commit, base_commit, hash, body, after_merge, created_at)
    values ($1, $2, 'b', 'h', '{}', $3, '2000-01-01') returning id`;
  const license =
    "insert into reviewed_destroys (review_id, lab_id) select id, $2 from reviews where pull_request = $1";

  test("a review that claims to be from before the merge is refused after it", async () => {
    const one = aPullRequest(number);
    await store.recordPullRequests([merged(one)]);
    expect(await refused(insertReview, [number, one.head.commit, false])).toBe("LK002");
  });

  test("one that says when it was made licenses nothing", async () => {
    const one = aPullRequest(number);
    await store.recordPullRequests([merged(one)]);
    expect(await refused(insertReview, [number, one.head.commit, true])).toBe("accepted");
    expect(await refused(license, [number, labId])).toBe("LK002");
  });

  test("a review from before the merge is not added to after it", async () => {
    await mergeReviewed(store, aPullRequest(number), []);
    expect(await refused(license, [number, labId])).toBe("LK002");
    expect(await licences()).toBe(0);
  });

  test("the time of a review is the database's", async () => {
    const one = aPullRequest(number);
    await store.recordPullRequests([one]);
    expect(await refused(insertReview, [number, one.head.commit, false])).toBe("accepted");
    expect(await refused(license, [number, labId])).toBe("accepted");
    await store.recordPullRequests([{ ...merged(one, new Date(Date.now() - 60_000)), updatedAt: new Date() }]);
    expect(await licences()).toBe(0);
  });
});

describe("P11 what was shown is kept as it was", () => {
  test("a review", async () => {
    const one = aPullRequest(number);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone()]));
    expect(await refused("update reviews set head_commit = $1", [commitNumber(1)])).toBe("LK003");
    expect(await refused("delete from reviews")).toBe("LK003");
    expect(await refused("truncate reviews cascade")).toBe("LK003");
  });

  test("the destroys of a review", async () => {
    await mergeReviewed(store, aPullRequest(number), [gone()]);
    expect(await licences()).toBe(1);
    expect(await refused("update reviewed_destroys set lab_id = lab_id")).toBe("LK003");
    expect(await refused("delete from reviewed_destroys")).toBe("LK003");
    expect(await refused("truncate reviewed_destroys")).toBe("LK003");
  });
});

describe("a comment is answered once", () => {
  const hear = async (): Promise<void> => {
    const command = {
      commentUrl: "u",
      pullRequest: 1,
      author: "octocat",
      authorId: null,
      command: "/lab help",
      at: new Date(),
    };
    await store.receive([{ ...command, commentId: number }]);
  };

  test("an answer is not changed, nor the comment made unheard", async () => {
    await hear();
    await store.answer(number, "refused", "No.");
    for (const change of ["state = 'done'", "answer = 'Yes.'", "state = 'received', answered_at = null"])
      expect(await refused(`update comment_commands set ${change} where comment_id = $1`, [number]), change).toBe(
        "LK002",
      );
    expect(await refused("delete from comment_commands where comment_id = $1", [number])).toBe("LK003");
  });

  test("an answer has its time", async () => {
    await hear();
    expect(await refused("update comment_commands set state = 'done' where comment_id = $1", [number])).toMatch(
      /_check/,
    );
  });
});

test("the cursor of events is one", async () => {
  expect(await refused("insert into report_cursor (seen) values (pg_current_snapshot())")).toBe("report_cursor_pkey");
  expect(await refused("insert into report_cursor (one, seen) values (false, pg_current_snapshot())")).toMatch(
    /_check/,
  );
});

describe("database roles", () => {
  const TABLES = [
    "pull_requests",
    "reviews",
    "reviewed_destroys",
    "pull_request_labs",
    "reports",
    "report_cursor",
    "host_cursors",
    "comment_commands",
    "webhook_deliveries",
    "own_requests",
  ];
  const DENIED = "42501";
  const as = async (role: string, sql: string): Promise<string> => {
    await raw.query(`set role ${role}`);
    try {
      return await refused(sql);
    } finally {
      await raw.query("reset role");
    }
  };

  test.each(TABLES)("readers read %s and write nothing of it", async (table) => {
    expect(await as("labkeeper_readonly", `select * from ${table}`)).toBe("accepted");
    for (const write of [`delete from ${table}`, `insert into ${table} default values`, `truncate ${table} cascade`])
      expect(await as("labkeeper_readonly", write), write).toBe(DENIED);
  });

  test("readers see what was reviewed", async () => {
    expect(await as("labkeeper_readonly", "select * from lk_reviewed_labs")).toBe("accepted");
  });

  test("the reconciler's role does all that the store does, and forgets nothing that matters", async () => {
    await using own = await openStore({ ...database.connection, options: "-c role=labkeeper_readwrite" });
    await mergeReviewed(own, aPullRequest(number), [gone()]);
    await own.noteEvents();
    const [report] = await own.dueReports(new Date(), 30, 1);
    if (report === undefined) throw new Error("nothing is due");
    const at = new Date();
    await own.recordSent(report, { remoteId: 1, digest: "d", at, notBefore: at });
    await own.recordFailure(report, "x", at);
    await own.setCursor("ended", at);
    const request = {
      labId,
      lab: "a",
      purpose: "destroy",
      detail: "",
      branch: `b-${number}`,
      askedBy: { login: "octocat", id: null },
    } as const;
    await own.recordRequest({ ...request, pullRequest: number });
    await own.recordClosed({ ...request, pullRequest: number });
    const command = {
      commentUrl: "u",
      pullRequest: number,
      author: "octocat",
      authorId: null,
      command: "/lab help",
      at,
    };
    await own.receive([{ ...command, commentId: 1_000 + number }]);
    await own.answer(1_000 + number, "done", "");
    expect(await own.recordDelivery(`d-${number}`, "push")).toBe(true);
    expect(await own.forgetDeliveries(new Date(Date.now() + 60_000))).toBe(1);
    expect(
      (
        await own.compare(
          { commit: commitNumber(1), policyDigest: "p", files: [], removed: [], complete: true },
          at,
          24,
        )
      ).facts.reviewedDestroys,
    ).toEqual(new Set([labId]));
    for (const table of ["pull_requests", "comment_commands", "own_requests"])
      expect(await as("labkeeper_readwrite", `delete from ${table}`), table).toBe(DENIED);
  });
});
