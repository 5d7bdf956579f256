import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask } from "../../../standins/github/asked.ts";
import { answerProblems } from "../../../standins/github/openapi/description.ts";
import { startCheckedGitHub } from "../../../standins/github/openapi/start-checked.ts";
import type { GitHubFacade } from "../../../standins/github/start.ts";

let github: GitHubFacade;

beforeEach(async () => {
  github = await startCheckedGitHub();
});

afterEach(() => github.stop());

/** A pull request to comment on. */
const opened = (): number => github.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" } }).number;
const remark = { body: { body: "The plan" } };

describe("limits", () => {
  test("a conditional request that finds nothing new does not count", async () => {
    const first = await ask(github, "GET REPO/pulls");
    const etag = first.headers.get("etag") ?? "";
    const again = await ask(github, "GET REPO/pulls", { headers: { "if-none-match": etag } });
    expect(again).toMatchObject({ status: 304, body: null });
    expect(again.headers.get("x-ratelimit-used")).toBe("1");
    opened();
    const changed = await ask(github, "GET REPO/pulls", { headers: { "if-none-match": etag } });
    expect(changed.status).toBe(200);
    expect([changed.headers.get("x-ratelimit-used"), github.limits.counted]).toEqual(["2", 2]);
    expect(github.requests.map(({ conditional, status }) => [conditional, status])).toEqual([
      [false, 200],
      [true, 304],
      [true, 200],
    ]);
  });

  test("so many requests an hour, and no more until it is over", async () => {
    github.limits.perHour = 2;
    await ask(github, "GET REPO");
    await ask(github, "GET REPO");
    const refused = await ask(github, "GET REPO");
    expect(refused).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("API rate limit exceeded") },
    });
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    expect((await ask(github, "GET /rate_limit")).body).toMatchObject({ rate: { remaining: 0 } });
    github.clock.advance(3_600_000);
    expect((await ask(github, "GET REPO")).status).toBe(200);
  });

  test("a secondary limit on what makes content", async () => {
    const number = opened();
    github.limits.contentPerMinute = 1;
    expect((await ask(github, `POST REPO/issues/${number}/comments`, remark)).status).toBe(201);
    const refused = await ask(github, `POST REPO/issues/${number}/comments`, remark);
    expect(refused).toMatchObject({ status: 403, body: { message: expect.stringContaining("secondary rate limit") } });
    expect(refused.headers.get("retry-after")).toBe("60");
    expect((await ask(github, "GET REPO")).status).toBe(200);
    github.clock.advance(60_000);
    expect((await ask(github, `POST REPO/issues/${number}/comments`, remark)).status).toBe(201);
  });
});

describe("faults", () => {
  test("meet what they match, so many times", async () => {
    const met = github.faults.add(/^GET .*\/pulls/, { kind: "status", status: 502 }, 2);
    const statuses: number[] = [];
    for (const path of ["REPO", "REPO/pulls", "REPO/pulls", "REPO/pulls"]) {
      statuses.push((await ask(github, `GET ${path}`)).status);
    }
    expect([statuses, met.hits]).toEqual([[200, 502, 502, 200], 2]);
  });

  test("a limit that nothing led to", async () => {
    github.faults.add(/./, { kind: "secondary-limit", retryAfter: 7 }, 1);
    expect((await ask(github, "GET REPO")).headers.get("retry-after")).toBe("7");
    github.faults.add(/./, { kind: "primary-limit", status: 429 }, 1);
    const refused = await ask(github, "GET REPO");
    expect([refused.status, refused.headers.get("x-ratelimit-remaining")]).toEqual([429, "0"]);
  });

  test("a reset does nothing; a lost answer was given", async () => {
    const number = opened();
    github.faults.add(/^POST/, { kind: "reset" }, 1);
    await expect(ask(github, `POST REPO/issues/${number}/comments`, remark)).rejects.toThrow("fetch failed");
    expect(github.comments(number)).toEqual([]);
    github.faults.add(/^POST/, { kind: "lost" }, 1);
    await expect(ask(github, `POST REPO/issues/${number}/comments`, remark)).rejects.toThrow("fetch failed");
    expect(github.comments(number)).toMatchObject([{ body: "The plan" }]);
  });

  test("a list that ends too early, lags, or is no list", async () => {
    opened();
    github.openPullRequest({ changes: { "labs/b.yaml": "b: 1\n" } });
    github.faults.add(/per_page=1$/, { kind: "one-page" }, 1);
    const cut = await ask(github, "GET REPO/pulls?per_page=1");
    expect([cut.headers.get("link"), (cut.body as readonly unknown[]).length]).toEqual([null, 1]);

    await ask(github, "GET REPO/pulls");
    github.close(1);
    github.faults.add(/pulls$/, { kind: "stale" }, 1);
    expect((await ask(github, "GET REPO/pulls")).body).toHaveLength(2);
    expect((await ask(github, "GET REPO/pulls")).body).toHaveLength(1);

    github.faults.add(/pulls$/, { kind: "empty" }, 1);
    expect(await ask(github, "GET REPO/pulls")).toMatchObject({ status: 200, body: null });
    github.faults.add(/pulls$/, { kind: "html" }, 1);
    await expect(ask(github, "GET REPO/pulls")).rejects.toThrow("JSON");
  });

  test("one that holds a request until it is released", async () => {
    const held = github.faults.add(/^GET/, { kind: "hold" });
    const asked = ask(github, "GET REPO");
    await expect.poll(() => held.hits).toBe(1);
    expect(github.requests.at(-1)?.status).toBeNull();
    held.release();
    expect((await asked).status).toBe(200);
  });
});

describe("GitHub's description", () => {
  const lastProblem = (): string | undefined => github.takeViolations().at(-1)?.problems.join("; ");

  test.each([
    ["an operation that it has not", "GET REPO/labs", {}, "is not described"],
    ["a parameter of another type", "GET REPO/pulls?per_page=many", {}, "must be integer"],
    ["a parameter that it has not", "GET REPO/pulls?author=octocat", {}, "author is not described"],
    ["a value that is none of its own", "GET REPO/pulls?state=merged", {}, "must be equal to one of"],
    ["a body without what is required", "POST REPO/issues/1/comments", { body: {} }, "required property 'body'"],
    [
      "a body with a misspelt property",
      "PATCH REPO/pulls/1",
      { body: { status: "closed" } },
      "status is not described",
    ],
    ["no body where there must be one", "POST REPO/git/refs", {}, "body is missing"],
  ])("refuses %s", async (_, what, options, problem) => {
    const refused = await ask(github, what, options);
    expect(refused).toMatchObject({ status: 500, body: { message: expect.stringContaining(problem) } });
    expect(lastProblem()).toContain(problem);
  });

  test.each([
    ["a status", "GET /user", 418, { message: "I am a teapot" }, "status 418 is not described"],
    ["a property", "GET /user", 200, { login: "octocat", team: "a" }, "has team, which is not described"],
    ["a property in a list", "GET /repos/{owner}/{repo}/pulls", 200, [{ plan: 1 }], "has plan, which is not described"],
    ["a body", "DELETE /repos/{owner}/{repo}/git/refs/{ref}", 204, {}, "204 has no body"],
  ])("has not %s that was made up", (_, operation, status, body, problem) => {
    expect(answerProblems(operation, status, body).join("; ")).toContain(problem);
  });

  test("refuses an answer of its own that is not as described, and does not stop in silence", async () => {
    const other = await startCheckedGitHub();
    const pull = other.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" } });
    Object.assign(pull, { title: null });
    const refused = await ask(other, "GET REPO/pulls/1");
    expect(refused).toMatchObject({ status: 500, body: { message: expect.stringContaining("title must be string") } });
    await expect(other.stop()).rejects.toThrow("title must be string");
  });
});
