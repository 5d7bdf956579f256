import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEtags } from "../../src/github/etags.ts";
import { pullRequest } from "../../src/github/pull-requests.ts";
import { failureOf, isLimited, pauseMs, refusal } from "../../src/github/refusal.ts";
import { Mismatch } from "../../src/github/shape.ts";
import { createTurns, orStopped } from "../../src/github/turns.ts";

const OID = "0123456789abcdef0123456789abcdef01234567";

const answer = {
  number: 1,
  title: "add a lab",
  user: { login: "octocat" },
  html_url: "https://github.com/octo-org/labs/pull/1",
  state: "open",
  head: { sha: OID, ref: "patch-1", repo: { id: 1 } },
  base: { sha: OID, ref: "main", repo: { id: 1 } },
  merge_commit_sha: OID,
  merged_at: null,
  closed_at: null,
  updated_at: "2026-03-01T00:00:00Z",
};

describe("an answer", () => {
  test("is a pull request as it is written down", () => {
    expect(pullRequest(answer, "")).toEqual({
      number: 1,
      title: "add a lab",
      author: "octocat",
      url: answer.html_url,
      state: "open",
      head: { commit: OID, ref: "patch-1", fork: false },
      base: { ref: "main", commit: OID },
      mergeCommit: null,
      updatedAt: new Date("2026-03-01T00:00:00Z"),
      endedAt: null,
    });
    expect(pullRequest({ ...answer, user: null, head: { ...answer.head, repo: null } }, "")).toMatchObject({
      author: "ghost",
      head: { fork: true },
    });
  });

  test("of any other shape is a mismatch that names the place, and quotes nothing", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(answer)), fc.anything(), (name, value) => {
        let thrown: unknown = null;
        try {
          pullRequest({ ...answer, [name]: value }, "");
        } catch (error) {
          thrown = error;
        }
        if (thrown !== null) expect(thrown).toBeInstanceOf(Mismatch);
        if (thrown instanceof Mismatch) expect(thrown.message).toContain(`.${name}`);
      }),
      { numRuns: 500 },
    );
    expect(() => pullRequest({ ...answer, head: { ...answer.head, sha: "main; rm -rf" } }, "[3]")).toThrow(
      "[3].head.sha is not an object id",
    );
  });
});

const refused = (status: number, headers: Record<string, string>, message = "") =>
  failureOf({ status, message, response: { status, headers, data: { message } } });

describe("a refusal", () => {
  test.each([
    [401, {}, "LK8007"],
    [403, {}, "LK8002"],
    [403, { "retry-after": "30" }, "LK8006"],
    [403, { "x-ratelimit-remaining": "0" }, "LK8006"],
    [403, { "x-ratelimit-remaining": "17" }, "LK8002"],
    [404, {}, "LK8003"],
    [410, {}, "LK8003"],
    [409, {}, "LK8002"],
    [422, {}, "LK8002"],
    [429, {}, "LK8006"],
    [301, {}, "LK8003"],
    [500, {}, "LK8001"],
    [503, { "retry-after": "30" }, "LK8001"],
  ])("answered %i with %j is %s", (status, headers, code) => {
    expect(refusal("GET /x", refused(status, headers))).toMatchObject({ code });
  });

  test("says GitHub's words on one line, without secrets", () => {
    const token = `ghs_${"a".repeat(36)}`;
    const { message } = refusal("GET /x", refused(403, {}, `no\u001b[31m\nway ${token} ${"x".repeat(1000)}`));
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message).not.toContain(token);
    expect(message.length).toBeLessThan(400);
  });

  test("pauses as long as GitHub says, by its own clock, and never for ever", () => {
    const date = "Sun, 01 Mar 2026 00:00:00 GMT";
    const reset = String(Date.parse(date) / 1000 + 120);
    expect(pauseMs(refused(403, { "retry-after": "7" }))).toBe(7000);
    expect(pauseMs(refused(403, { date, "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset }))).toBe(121_000);
    expect(pauseMs(refused(403, {}, "You have exceeded a secondary rate limit"))).toBe(60_000);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("retry-after", "x-ratelimit-reset", "date"), fc.string()),
        (headers) => {
          const pause = pauseMs(refused(429, { "x-ratelimit-remaining": "0", ...headers }));
          expect(pause).toBeGreaterThanOrEqual(1000);
          expect(pause).toBeLessThanOrEqual(3_660_000);
        },
      ),
    );
    expect(isLimited(refused(403, {}, "You have exceeded a secondary rate limit"))).toBe(true);
  });
});

test("kept answers are bounded in number and size; the least lately used go first", () => {
  const etags = createEtags(3, 100);
  const keep = (key: string, bytes: number) => etags.keep(key, { etag: key, data: key, link: null }, bytes);
  for (const key of ["a", "b", "c"]) keep(key, 10);
  etags.find("a");
  keep("d", 10);
  expect(["a", "b", "c", "d"].map((key) => etags.find(key)?.data ?? null)).toEqual(["a", null, "c", "d"]);
  keep("huge", 26);
  expect(etags.find("huge")).toBeNull();
  for (const key of ["x", "y", "z"]) keep(key, 25);
  keep("w", 25);
  keep("v", 25);
  expect(["x", "y", "z", "w", "v"].filter((key) => etags.find(key) !== null)).toEqual(["z", "w", "v"]);
});

test("turns follow each other, also after a failure, and whoever stops waits no longer", async () => {
  const inTurn = createTurns();
  const seen: string[] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = inTurn(async () => {
    await gate;
    seen.push("first");
    throw new Error("no");
  });
  const second = inTurn(async () => seen.push("second"));
  const stop = new AbortController();
  const stopped = orStopped(
    inTurn(async () => seen.push("third")),
    stop.signal,
  );
  stop.abort();
  await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
  expect(seen).toEqual([]);
  open();
  await expect(first).rejects.toThrow("no");
  await second;
  expect(seen.slice(0, 2)).toEqual(["first", "second"]);
});
