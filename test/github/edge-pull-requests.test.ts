import { describe, expect, test } from "vitest";
import { asToken, edgeWorld, refusalOf } from "./edge-world.ts";

const file = (name: string) => ({ [`labs/team-a/${name}.yaml`]: `name: ${name}\n` });

describe("pull requests", () => {
  test("that are open are all told, whatever page they are on", async () => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one") });
    const { head } = world.github.pullRequest(1);
    const numbers = Array.from({ length: 102 }, (_, index) => index + 2);
    world.github.repository.git(["fetch", "-q", ".", ...numbers.map((n) => `patch-1:refs/heads/patch-${n}`)]);
    for (const number of numbers) world.github.openPullRequest({ branch: `patch-${number}` });
    world.github.close(3);
    const open = await world.host.openPullRequests("main");
    expect(open.map(({ number }) => number)).toEqual(
      Array.from({ length: 103 }, (_, index) => index + 1).filter((number) => number !== 3),
    );
    expect(open[0]).toMatchObject({ state: "open", mergeCommit: null, endedAt: null, author: "octocat" });
    expect(open[0]?.head).toEqual({ commit: head.sha, ref: "patch-1", fork: false });
  });

  test("from a fork say so, and those onto another branch are not told", async () => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one"), fork: "monalisa", by: "monalisa", branch: "mine" });
    world.github.commit({ branch: "other", changes: file("two") });
    world.github.openPullRequest({ changes: file("three"), base: "other" });
    const open = await world.host.openPullRequests("main");
    expect(open).toMatchObject([{ number: 1, author: "monalisa", head: { fork: true, ref: "mine" } }]);
  });

  test.each(["merge", "squash", "rebase"] as const)("merged by %s name the commit they ended in", async (method) => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one") });
    const mergeCommit = world.github.merge(1, { method });
    expect(await world.host.endedPullRequests("main", null)).toMatchObject([
      { number: 1, state: "merged", mergeCommit, endedAt: expect.any(Date) },
    ]);
    expect(await world.host.openPullRequests("main")).toEqual([]);
  });

  test("that ended are told back to a time, latest first, and only the newest page without one", async () => {
    let now = Date.parse("2026-03-01T00:00:00Z");
    await using world = await edgeWorld({ now: () => now });
    world.github.openPullRequest({ changes: file("one") });
    for (let number = 1; number <= 120; number++) {
      now += 1000;
      if (number > 1) world.github.openPullRequest({ branch: "patch-1" });
      world.github.close(number);
    }
    expect((await world.host.endedPullRequests("main", null)).length).toBe(100);
    const since = new Date(Date.parse("2026-03-01T00:00:00Z") + 5000);
    const found = await world.host.endedPullRequests("main", since);
    expect(found.map(({ number }) => number)).toEqual(Array.from({ length: 116 }, (_, index) => 120 - index));
    expect(found.every(({ state, mergeCommit }) => state === "closed" && mergeCommit === null)).toBe(true);
  });

  test("of a branch of the repository itself are found whoever's and whatever their state, never a fork's", async () => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one"), fork: "monalisa", by: "monalisa", branch: "labkeeper/x" });
    expect(await world.host.pullRequestsFrom("labkeeper/x")).toEqual([]);
    world.github.openPullRequest({ changes: file("two"), branch: "labkeeper/x" });
    world.github.close(2);
    world.github.openPullRequest({ branch: "labkeeper/x", by: "monalisa" });
    const found = await world.host.pullRequestsFrom("labkeeper/x");
    expect(found.map(({ number, state, author }) => [number, state, author])).toEqual([
      [3, "open", "monalisa"],
      [2, "closed", "octocat"],
    ]);
  });

  test.each([
    ["no such repository, or none that is shown", { kind: "status", status: 404 }, "LK8003"],
    ["no permission", { kind: "status", status: 403 }, "LK8002"],
    ["a secondary limit", { kind: "secondary-limit", retryAfter: 60 }, "LK8006"],
    ["the hour's limit", { kind: "primary-limit" }, "LK8006"],
    ["the hour's limit, by the newer status", { kind: "primary-limit", status: 429 }, "LK8006"],
    ["a server in trouble", { kind: "status", status: 502 }, "LK8001"],
    ["a connection that breaks", { kind: "reset" }, "LK8001"],
    ["an answer without a body", { kind: "empty" }, "LK8001"],
    ["a proxy's page", { kind: "html" }, "LK8001"],
    ["a server that never answers", { kind: "hang" }, "LK8001"],
    ["a repository that moved", { kind: "status", status: 301 }, "LK8003"],
  ] as const)("with %s are an error, never none", async (_, fault, code) => {
    await using world = await edgeWorld({}, { timeoutMs: 2000 });
    world.github.openPullRequest({ changes: file("one") });
    world.github.faults.add(/GET .*\/pulls/, fault);
    const refused = await refusalOf(world.host.openPullRequests("main"));
    expect(refused).toMatchObject({ code, message: expect.stringContaining("GET /api/v3/repos/octo-org/labs/pulls") });
  });

  test("are read again after two failures in a row", async () => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one") });
    world.github.faults.add(/GET .*\/pulls/, { kind: "status", status: 503 }, 1);
    world.github.faults.add(/GET .*\/pulls/, { kind: "reset" }, 1);
    expect(await world.host.openPullRequests("main")).toHaveLength(1);
  });

  test("are not waited for when whoever asks gives up", async () => {
    await using world = await edgeWorld();
    const held = world.github.faults.add(/GET .*\/pulls/, { kind: "hang" });
    const stop = new AbortController();
    const asked = refusalOf(world.host.openPullRequests("main", stop.signal));
    await expect.poll(() => held.hits, { timeout: 20_000 }).toBe(1);
    stop.abort();
    expect(await asked).toMatchObject({ code: "LK8001", message: expect.stringContaining("interrupted") });
  });
});

describe("rate limits", () => {
  test("let nothing more be asked until they are over", async () => {
    await using world = await edgeWorld();
    await world.host.openPullRequests("main");
    world.github.faults.add(/GET .*\/pulls/, { kind: "secondary-limit", retryAfter: 1 }, 1);
    expect(await refusalOf(world.host.openPullRequests("main"))).toMatchObject({ code: "LK8006" });
    const before = world.github.requests.length;
    expect(await refusalOf(world.host.comments(1))).toMatchObject({
      code: "LK8006",
      message: expect.stringContaining("was not sent"),
    });
    expect(world.github.requests.length).toBe(before);
    await expect
      .poll(() => refusalOf(world.host.openPullRequests("main")), { timeout: 20_000 })
      .toMatchObject({ code: "accepted" });
  });

  test("are told by GitHub's clock, not by this host's", async () => {
    // The stand-in lives a year ahead: by its `x-ratelimit-reset` alone this host would be silent for a year.
    await using world = await edgeWorld();
    world.github.clock.advance(365 * 86_400_000);
    const edge = world.open(asToken(world.github.token));
    world.github.limits.perHour = 0;
    const { message } = await refusalOf(edge.host.openPullRequests("main"));
    expect(message).toContain("rate");
    const silence = await refusalOf(edge.host.openPullRequests("main"));
    const until = Date.parse(/until (\S+)$/.exec(silence.message)?.[1] ?? "");
    expect(until - Date.now()).toBeLessThan(3_700_000);
  });
});

describe("who labkeeper is", () => {
  test("is the App's bot, or the token's user", async () => {
    await using world = await edgeWorld();
    expect(await world.host.self()).toEqual({ login: "labkeeper[bot]", app: true });
    const edge = world.open(asToken(world.github.token));
    expect(await edge.host.self()).toEqual({ login: "labkeeper-bot", app: false });
    expect(edge.host.repositoryUrl).toBe(`${world.github.url}/octo-org/labs`);
  });

  test("stays so when the installation's token has ended, in the middle of things", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: file("one") });
    const first = await world.edge.gitToken();
    world.github.clock.advance(3_700_000);
    await world.host.createComment(number, "words");
    expect(world.github.comments(number)).toHaveLength(1);
    expect(await world.edge.gitToken()).not.toBe(first);
  });

  test("asks for one token however many ask at once, for the one repository", async () => {
    await using world = await edgeWorld();
    world.github.openPullRequest({ changes: file("one") });
    await Promise.all([world.host.comments(1), world.host.openPullRequests("main"), world.edge.gitToken()]);
    const issued = world.github.requests.filter(({ path }) => path.endsWith("/access_tokens"));
    expect(issued.map(({ body }) => body)).toEqual([{ repositories: ["labs"] }]);
  });

  test("does not depend on this host's clock being right", async () => {
    await using world = await edgeWorld();
    world.github.clock.advance(-1_000_000);
    expect(await refusalOf(world.host.openPullRequests("main"))).toMatchObject({ code: "accepted" });
  });

  test("is told apart: a bad token, a key of another App, an App that is not installed", async () => {
    await using world = await edgeWorld();
    const token = world.open(asToken(`ghp_${"x".repeat(36)}`));
    const refused = await refusalOf(token.host.openPullRequests("main"));
    expect(refused.code).toBe("LK8007");
    expect(refused.message).not.toContain("ghp_");
    const { secrets } = world.settings.credentials;
    const other = world.open({ credentials: { kind: "app", appId: "9", installationId: 1, secrets } });
    expect(await refusalOf(other.host.openPullRequests("main"))).toMatchObject({ code: "LK8007" });
    world.github.setAppInstalled(false);
    expect(await refusalOf(world.host.openPullRequests("main"))).toMatchObject({ code: "LK8003" });
  });

  test("carries nothing secret in what it is refused with", async () => {
    await using world = await edgeWorld();
    const token = await world.edge.gitToken();
    world.github.faults.add(/GET .*\/pulls/, { kind: "status", status: 500 });
    const error: unknown = await world.host.openPullRequests("main").catch((thrown: unknown) => thrown);
    const { inspect } = await import("node:util");
    const shown = inspect(error, { depth: 20, showHidden: true });
    expect(shown).toContain("LK8001");
    expect(shown).not.toContain(token);
    expect(shown).not.toContain("PRIVATE KEY");
    expect(inspect(world.settings, { depth: 20, showHidden: true })).not.toContain("PRIVATE KEY");
  });
});
