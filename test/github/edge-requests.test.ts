import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RequestDraft } from "../../src/github-ports.ts";
import { asToken, edgeWorld, refusalOf } from "./edge-world.ts";

const PATH = "labs/team-a/test-01.yaml";
const OLD = "spec:\n  ttlHours: 8\n";
const NEW = "spec:\n  ttlHours: 16\n";
const BRANCH = "labkeeper/extend/test-01";

const started = async () => {
  const world = await edgeWorld({ files: { [PATH]: OLD, "README.md": "# Labs\n" } });
  const blobOid = world.github.repository.git(["rev-parse", `main:${PATH}`]).trim();
  const draft = (more: Partial<RequestDraft> = {}): RequestDraft => ({
    branch: BRANCH,
    base: "main",
    path: PATH,
    content: Buffer.from(NEW),
    blobOid,
    commitMessage: "Extend team-a-test-01\n\nAsked for by @monalisa",
    title: "extend team-a-test-01",
    body: "Asked for by monalisa.",
    ...more,
  });
  return { ...world, draft, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
};

type Started = Awaited<ReturnType<typeof started>>;

/** A file's blob on a branch; null when there is none. */
const blobOn = ({ github }: Started, branch: string): string | null => {
  const [, , blob] = github.repository.git(["ls-tree", branch, "--", PATH]).split(/\s+/);
  return blob ?? null;
};

const blobOf = (content: string | null): string | null =>
  content === null ? null : createHash("sha1").update(`blob ${content.length}\0${content}`).digest("hex");

/** One branch, one commit on top of main, one pull request: whatever happened on the way. */
const expectOne = (world: Started, content: string | null) => {
  const { github } = world;
  expect(blobOn(world, BRANCH)).toBe(blobOf(content));
  expect(blobOn(world, "main")).toBe(blobOf(OLD));
  const pulls = github.pullRequests();
  expect(pulls.map(({ head }) => head.ref)).toEqual([BRANCH]);
  expect(github.repository.git(["rev-list", "--count", `main..${BRANCH}`]).trim()).toBe("1");
};

describe("pull requests of labkeeper's own", () => {
  test.each([
    ["change a file", { content: Buffer.from(NEW) }, NEW],
    ["remove a file", { content: null }, null],
  ] as const)("%s, once", async (_, more, content) => {
    await using world = await started();
    const opened = await world.host.openRequest(world.draft(more));
    expect(opened).toMatchObject({
      number: 1,
      state: "open",
      author: "labkeeper[bot]",
      title: "extend team-a-test-01",
    });
    expect(await world.open().host.openRequest(world.draft(more))).toMatchObject({ number: 1 });
    expectOne(world, content);
  });

  const steps = [
    ["branch", /POST .*\/git\/refs/],
    ["commit", /(PUT|DELETE) .*\/contents\//],
    ["pull request", /POST .*\/pulls$/],
  ] as const;
  const contents = [
    ["changed", Buffer.from(NEW), NEW],
    ["removed", null, null],
  ] as const;

  test.each(
    steps.flatMap(([step, matching]) =>
      contents.flatMap(([verb, content, after]) =>
        (["lost", "reset"] as const).map((kind) => ({ step, matching, verb, content, after, kind })),
      ),
    ),
  )("are one when a file is $verb and the request for the $step meets: $kind", async (each) => {
    await using world = await started();
    // As long as it lasts, then asked again by a process that knows nothing of the first try.
    const fault = world.github.faults.add(each.matching, { kind: each.kind }, 1);
    const first = await refusalOf(world.host.openRequest(world.draft({ content: each.content })));
    expect(fault.hits).toBe(1);
    if (each.kind === "lost") expect(first.code).toBe("accepted");
    expect(await world.open().host.openRequest(world.draft({ content: each.content }))).toMatchObject({ number: 1 });
    expectOne(world, each.after);
  });

  test.each(["merged", "closed"] as const)("are not opened anew when the one there was %s", async (state) => {
    await using world = await started();
    await world.host.openRequest(world.draft());
    if (state === "merged") world.github.merge(1);
    else world.github.close(1);
    world.github.deleteBranch(BRANCH);
    expect(await world.host.openRequest(world.draft())).toMatchObject({ number: 1, state });
    expect(world.github.pullRequests()).toHaveLength(1);
  });

  test("are refused when the file is another one by now, and leave no branch", async () => {
    await using world = await started();
    world.github.commit({ changes: { [PATH]: "spec:\n  ttlHours: 9\n" } });
    expect(await refusalOf(world.host.openRequest(world.draft()))).toMatchObject({ code: "LK8004" });
    expect(world.github.branch(BRANCH)).toBeNull();
    world.github.commit({ changes: { [PATH]: null } });
    expect(await refusalOf(world.host.openRequest(world.draft({ content: null })))).toMatchObject({ code: "LK8004" });
  });

  test("go on from a branch that an earlier try left on an older commit", async () => {
    await using world = await started();
    world.github.faults.add(/PUT .*\/contents\//, { kind: "reset" }, 1);
    expect(await refusalOf(world.host.openRequest(world.draft()))).toMatchObject({ code: "LK8001" });
    const now = "spec:\n  ttlHours: 9\n";
    world.github.commit({ changes: { [PATH]: now } });
    expect(await refusalOf(world.host.openRequest(world.draft()))).toMatchObject({ code: "LK8004" });
    const blobOid = world.github.repository.git(["rev-parse", `main:${PATH}`]).trim();
    expect(await world.host.openRequest(world.draft({ blobOid }))).toMatchObject({ state: "open" });
    expect(blobOn(world, BRANCH)).toBe(blobOf(NEW));
  });

  test("never move a branch with commits of somebody else", async () => {
    await using world = await started();
    const theirs = world.github.commit({ branch: BRANCH, changes: { [PATH]: "theirs\n" } });
    world.github.commit({ changes: { "README.md": "# More\n" } });
    expect(await world.host.openRequest(world.draft())).toEqual({ branch: BRANCH, by: "commits of somebody else" });
    expect(world.github.branch(BRANCH)).toBe(theirs);
    expect(world.github.pullRequests()).toEqual([]);
  });

  test.each([
    ["with the change and another beside it", { [PATH]: NEW, "labs/team-a/test-02.yaml": "spec: {}\n" }, {}],
    ["with the change after another commit", { [PATH]: NEW }, { "labs/team-a/test-02.yaml": "spec: {}\n" }],
    ["with another change alone", { "labs/team-a/test-02.yaml": "spec: {}\n" }, {}],
  ])("propose nothing that somebody put on the branch before: %s", async (_, last, before) => {
    await using world = await started();
    if (Object.keys(before).length > 0) world.github.commit({ branch: BRANCH, changes: before, by: "monalisa" });
    const theirs = world.github.commit({ branch: BRANCH, changes: last, by: "monalisa" });
    expect(await world.host.openRequest(world.draft())).toEqual({ branch: BRANCH, by: "commits of somebody else" });
    expect(world.github.branch(BRANCH)).toBe(theirs);
    expect(world.github.pullRequests()).toEqual([]);
  });

  test("are none of somebody else's from that branch, which is told and left alone", async () => {
    await using world = await started();
    world.github.openPullRequest({ branch: BRANCH, changes: { [PATH]: null, "README.md": null }, by: "monalisa" });
    expect(await world.host.openRequest(world.draft())).toEqual({
      branch: BRANCH,
      by: "pull request 1 of monalisa onto main",
    });
    expect(world.github.pullRequest(1)).toMatchObject({ state: "open" });
    world.github.close(1);
    world.github.deleteBranch(BRANCH);
    expect(await world.host.openRequest(world.draft())).toMatchObject({ number: 2, author: "labkeeper[bot]" });
  });

  test("are not those that were sent to another base, where merging them does nothing", async () => {
    await using world = await started();
    await world.host.openRequest(world.draft());
    world.github.commit({ branch: "other", changes: { "README.md": "# Other\n" } });
    world.github.edit(1, { base: "other" });
    expect(await world.host.openRequest(world.draft())).toMatchObject({
      by: "pull request 1 of labkeeper[bot] onto other",
    });
  });

  test("name nothing that a path or a branch could smuggle in", async () => {
    await using world = await started();
    const path = "labs/team-a/a b?ref=x#y.yaml";
    world.github.commit({ changes: { [path]: OLD } });
    const blobOid = world.github.repository.git(["rev-parse", `main:${path}`]).trim();
    await world.host.openRequest(world.draft({ path, blobOid }));
    expect(`${world.github.file(path, BRANCH)}\n`).toBe(NEW);
  });

  test("are closed once", async () => {
    await using world = await started();
    await world.host.openRequest(world.draft());
    await world.host.closeRequest(1);
    await world.host.closeRequest(1);
    expect(world.github.pullRequest(1).state).toBe("closed");
    // Nothing is written to what has ended, by whomever.
    expect(world.github.requests.filter(({ method }) => method === "PATCH")).toHaveLength(1);
  });

  test("can be made with a token too", async () => {
    await using world = await started();
    const { host } = world.open(asToken(world.github.token));
    expect(await host.openRequest(world.draft())).toMatchObject({ author: "labkeeper-bot" });
  });
});

describe("who may", () => {
  test("is asked anew each time: members of a team", async () => {
    await using world = await started();
    world.github.addTeamMember("platform", "monalisa");
    world.github.addTeamMember("platform", "hubot", { role: "member", state: "pending" });
    expect(await world.host.isTeamMember("octo-org", "platform", "monalisa")).toBe(true);
    expect(await world.host.isTeamMember("octo-org", "platform", "hubot")).toBe(false);
    expect(await world.host.isTeamMember("octo-org", "platform", "octocat")).toBe(false);
    world.github.removeTeamMember("platform", "monalisa");
    expect(await world.host.isTeamMember("octo-org", "platform", "monalisa")).toBe(false);
  });

  test("is not answered by no when it cannot be told", async () => {
    await using world = await started();
    world.github.addTeamMember("platform", "monalisa");
    expect(await refusalOf(world.host.isTeamMember("octo-org", "nobody", "monalisa"))).toMatchObject({
      code: "LK8003",
    });
    expect(await refusalOf(world.host.isTeamMember("other", "platform", "octocat"))).toMatchObject({ code: "LK8003" });
    world.github.faults.add(/GET .*\/members$|GET .*\/members\?/, { kind: "status", status: 403 });
    expect(await refusalOf(world.host.isTeamMember("octo-org", "platform", "octocat"))).toMatchObject({
      code: "LK8002",
    });
  });

  test("is told by the repository's permissions", async () => {
    await using world = await started();
    world.github.setPermission("monalisa", "maintain");
    world.github.setPermission("octocat", "triage");
    expect(await world.host.permission("monalisa")).toBe("write");
    expect(await world.host.permission("octocat")).toBe("read");
    expect(await refusalOf(world.host.permission("nobody-at-all"))).toMatchObject({ code: "LK8003" });
  });
});
