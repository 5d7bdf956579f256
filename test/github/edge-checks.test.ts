import { describe, expect, test } from "vitest";
import type { CheckDraft } from "../../src/github-ports.ts";
import { asToken, edgeWorld, refusalOf } from "./edge-world.ts";

const annotations = (count: number, word = "wrong"): CheckDraft["annotations"] =>
  Array.from({ length: count }, (_, index) => ({
    path: "labs/team-a/one.yaml",
    line: index + 1,
    level: "failure",
    title: `LK2${index}`,
    message: word,
  }));

const draft = (commit: string, more: Partial<CheckDraft> = {}): CheckDraft => ({
  name: "labkeeper/plan",
  commit,
  externalId: "plan-1",
  conclusion: "success",
  title: "1 to create",
  summary: "| lab | change |",
  annotations: [],
  ...more,
});

const started = async () => {
  const world = await edgeWorld();
  const { head } = world.github.openPullRequest({ changes: { "labs/team-a/one.yaml": "a: 1\n" } });
  const { github } = world;
  const runs = () => github.checkRuns(head.sha).filter(({ name }) => name === "labkeeper/plan");
  return {
    ...world,
    commit: head.sha,
    runs,
    newest: () => runs().at(-1),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
};

describe("check runs", () => {
  test("are made once and changed after, also by a process that remembers nothing", async () => {
    await using world = await started();
    const id = await world.host.putCheck(draft(world.commit), null);
    expect(await world.host.putCheck(draft(world.commit, { title: "2 to create" }), id)).toBe(id);
    const anew = world.open().host;
    expect(await anew.putCheck(draft(world.commit, { conclusion: "failure", title: "no" }), null)).toBe(id);
    expect(world.runs()).toMatchObject([{ id, conclusion: "failure", title: "no", status: "completed" }]);
  });

  test("of another pull request on the same commit stay its own", async () => {
    await using world = await started();
    const one = await world.host.putCheck(draft(world.commit), null);
    const other = await world.host.putCheck(draft(world.commit, { externalId: "plan-2" }), null);
    expect(other).not.toBe(one);
    expect(await world.host.putCheck(draft(world.commit), null)).toBe(one);
  });

  test("have all annotations, fifty to a request, and none twice", async () => {
    await using world = await started();
    const full = draft(world.commit, { annotations: annotations(120) });
    const id = await world.host.putCheck(full, null);
    expect(await world.host.putCheck(full, id)).toBe(id);
    expect(world.newest()?.annotations.map((each) => each["start_line"])).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
  });

  test.each([
    ["made, and the answer lost", /POST .*check-runs/, "lost"],
    ["annotated, and the answer lost", /PATCH .*check-runs/, "lost"],
    ["not annotated to the end", /PATCH .*check-runs/, "reset"],
  ] as const)("that were %s are completed when asked for again", async (_, matching, kind) => {
    await using world = await started();
    world.github.faults.add(matching, { kind }, 1);
    const full = draft(world.commit, { annotations: annotations(120) });
    const first = await refusalOf(world.host.putCheck(full, null));
    if (kind === "reset") expect(first.code).toBe("LK8001");
    await world.open().host.putCheck(full, null);
    expect(world.runs()).toHaveLength(1);
    expect(world.newest()?.annotations).toHaveLength(120);
  });

  test("do not keep annotations of what was said before: a new run takes the old one's place", async () => {
    await using world = await started();
    const old = await world.host.putCheck(draft(world.commit, { annotations: annotations(2, "old") }), null);
    const fresh = draft(world.commit, { title: "better", annotations: annotations(1, "new") });
    world.github.faults.add(/POST .*check-runs/, { kind: "lost" }, 1);
    const id = await world.host.putCheck(fresh, old);
    expect(id).not.toBe(old);
    expect(await world.host.putCheck(fresh, old)).toBe(id);
    expect(world.runs()).toHaveLength(2);
    expect(world.newest()?.annotations.map(({ message }) => message)).toEqual(["new"]);
  });

  test("are cut where GitHub would refuse them", async () => {
    await using world = await started();
    const long = { summary: "x".repeat(70_000), title: "😀".repeat(300) };
    await world.host.putCheck(draft(world.commit, long), null);
    expect(world.newest()?.summary?.length).toBeLessThanOrEqual(65_535);
    expect(world.newest()?.title?.isWellFormed()).toBe(true);
  });

  test("are refused to a token, before anything is asked", async () => {
    await using world = await started();
    const { host } = world.open(asToken(world.github.token));
    expect(await refusalOf(host.putCheck(draft(world.commit), null))).toMatchObject({ code: "LK8002" });
  });
});

test("commit statuses can be told by a token too; the newest of a context counts", async () => {
  await using world = await started();
  const { host } = world.open(asToken(world.github.token));
  const status = { commit: world.commit, context: "labkeeper/team-a-one", url: null } as const;
  await host.putStatus({ ...status, state: "pending", description: "queued" });
  world.github.faults.add(/POST .*statuses/, { kind: "status", status: 502 }, 1);
  await host.putStatus({
    ...status,
    state: "success",
    description: "y".repeat(200),
    url: "https://console.example.com",
  });
  expect(world.github.statuses(world.commit).at(-1)).toMatchObject({ context: status.context, state: "success" });
});
