/** What is reviewed and when, and what one pull request that is broken does to the others: nothing. */

import { expect, test } from "vitest";
import { writeTree } from "../git-server.ts";
import { gone, lab, labPath, labs } from "../promises/files.ts";
import { hostedWorld, plain, shown } from "./hosted-world.ts";

test("an open pull request is reviewed once, and again when its head, its base or labs move", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const number = h.open({ ...gone("one"), ...lab("three") });
  expect((await h.review()).reviewed).toEqual([number]);
  expect((await h.review()).reviewed).toEqual([]);
  const first = await h.reviewed(number);

  const head = h.github.push(number, plain(lab("four")));
  expect((await h.review()).reviewed).toEqual([number]);
  expect((await h.reviewed(number)).headCommit).toBe(head);
  expect(shown(await h.reviewed(number))).toEqual(["create four", "create three", "destroy one"]);
  expect(first.headCommit).not.toBe(head);

  const base = h.push(lab("five"));
  expect((await h.review()).reviewed).toEqual([number]);
  expect(await h.reviewed(number)).toMatchObject({ baseCommit: base });
  // What the branch does by itself is no part of it, applied or not.
  expect(shown(await h.reviewed(number))).toEqual(["create four", "create three", "destroy one"]);
  await h.settle();
  await h.review();
  expect(shown(await h.reviewed(number))).toEqual(["create four", "create three", "destroy one"]);

  await h.w.store.cancel("one", "octocat");
  await h.w.work();
  h.push(lab("six"));
  await h.review();
  expect(shown(await h.reviewed(number))).toEqual(["create four", "create three"]);
  expect(h.told).toEqual([]);
});

test("facts that age are looked at again after a while, and told only when they changed", async () => {
  await using h = await hostedWorld({ files: lab("one") });
  await h.settle();
  const number = h.open(gone("one"));
  await h.review();
  expect((await h.reviewed(number)).changes[0]?.running?.lastUsed).toBeNull();
  await h.w.store.recordAccess("one", "octocat");
  expect((await h.review()).reviewed).toEqual([]);
  h.w.later(0.2);
  expect((await h.review()).reviewed).toEqual([number]);
  expect((await h.reviewed(number)).changes[0]?.running?.lastUsed).not.toBeNull();
  h.w.later(0.2);
  expect((await h.review()).reviewed).toEqual([]);
  // Another process, or this one after a restart, finds nothing new either.
  expect((await h.review({ memory: new Map() })).reviewed).toEqual([]);
});

test("a fork's pull request is planned like any other", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const number = h.open({ ...gone("one"), ...lab("three") }, { fork: "monalisa" });
  expect(await h.review()).toEqual({ reviewed: [number], failed: [] });
  expect(shown(await h.reviewed(number))).toEqual(["create three", "destroy one"]);
  h.github.merge(number);
  await h.settle();
  expect(await h.w.existing()).toEqual(["three", "two"]);
});

test("one that cannot be planned says so, and the others go on", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const broken = h.open(lab("x"));
  const fine = h.open(gone("one"));
  const policy = h.open({ "catalog.yaml": "spec: [" });
  // Its labs folder becomes a link, which no pull request of the stand-in can do by itself.
  const { path } = h.github.repository;
  const blob = h.github.repository.git(["hash-object", "-w", "--stdin"], "/etc");
  const root = writeTree(path, [{ mode: "120000", name: "labs", oid: blob }]);
  const head = h.github.repository.git(["commit-tree", root, "-p", h.github.branch("main") ?? "", "-m", "x"]);
  h.github.repository.git(["update-ref", `refs/pull/${broken}/head`, head]);
  const real = h.deps.host;
  const host = {
    ...real,
    openPullRequests: async (base: string, signal?: AbortSignal) =>
      (await real.openPullRequests(base, signal)).map((each) =>
        each.number === broken ? { ...each, head: { ...each.head, commit: head } } : each,
      ),
  };
  const round = await h.review({ host });
  expect(round.failed).toEqual([]);
  expect(round.reviewed.toSorted()).toEqual([broken, fine, policy].toSorted());
  const review = await h.reviewed(broken);
  expect(review).toMatchObject({ headCommit: head, changes: [] });
  expect(review.problems).toMatchObject([{ code: "LK1004", message: expect.stringContaining("labs is a symlink") }]);
  expect(shown(await h.reviewed(fine))).toEqual(["destroy one"]);
  expect((await h.reviewed(policy)).problems).toMatchObject([{ path: "catalog.yaml", code: "LK2301" }]);
  expect((await h.reviewed(policy)).changes).toEqual([]);
  // It is not tried again and again before it moves.
  const asked: number[] = [];
  const catalog = {
    ...h.deps.catalog,
    proposal: (...call: Parameters<typeof h.deps.catalog.proposal>) => {
      asked.push(call[0]);
      return h.deps.catalog.proposal(...call);
    },
  };
  h.w.later(0.2);
  expect((await h.review({ host, catalog })).reviewed).toEqual([]);
  expect(asked.toSorted()).toEqual([fine, policy].toSorted());
});

test("what fails for now is recorded nowhere and tried again", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const [first, second] = [h.open(gone("one")), h.open(gone("two"))];
  const real = h.deps.catalog;
  const catalog = {
    ...real,
    proposal: (number: number, head: string, base: string, signal?: AbortSignal) =>
      real.proposal(number, number === first ? "0".repeat(40) : head, base, signal),
  };
  expect(await h.review({ catalog })).toEqual({ reviewed: [second], failed: [first] });
  expect(h.told).toMatchObject([{ error: { code: "LK8005" }, pullRequest: first }]);
  expect(await h.w.store.review(first)).toBeNull();
  expect(await h.review()).toEqual({ reviewed: [first], failed: [] });
});

test.each([403, 404, 500])(
  "what GitHub answers with %i is unknown: an error, and nothing is recorded",
  async (status) => {
    await using h = await hostedWorld({ files: labs(["one", "two"]) });
    await h.settle();
    const number = h.open(gone("one"));
    await h.review();
    const before = await h.w.dump();
    h.github.faults.add(/^GET \/repos\/[^ ]*\/pulls/, { kind: "status", status });
    await expect(h.review()).rejects.toMatchObject({ code: expect.stringMatching(/^LK800[1-3]$/) });
    await h.learn();
    expect(h.told).toMatchObject([{ pullRequest: null, error: { code: expect.stringMatching(/^LK800[1-3]$/) } }]);
    expect(await h.w.dump()).toBe(before);
    h.github.faults.clear();
    expect((await h.w.store.openPullRequests()).map(({ pullRequest }) => pullRequest.number)).toEqual([number]);
  },
);

test("a merge that nobody had reviewed is explained afterwards: its labs are known, whether or not they were made", async () => {
  await using h = await hostedWorld({ files: labs(["gone", "edited", "kept", "moved"]) });
  await h.settle();
  await h.review();
  const early = h.open({
    ...lab("made"),
    ...lab("edited", { owner: "hubot" }),
    ...gone("gone", "moved"),
    ...lab("moved", { ending: "yml" }),
  });
  h.github.merge(early, { method: "squash" });
  await h.settle();
  const late = h.open(lab("later"));
  h.github.merge(late);
  await h.learn();
  expect((await h.review()).reviewed.toSorted()).toEqual([early, late].toSorted());
  expect((await h.review()).reviewed).toEqual([]);
  const rows = (await h.w.store.board(early)).map(({ name, action, state }) => [name, action, state]);
  expect(rows.toSorted()).toEqual([
    ["edited", "update", "ready"],
    ["gone", "destroy", "ready"],
    ["made", "create", "ready"],
    ["moved", "update", "ready"],
  ]);
  expect((await h.w.store.board(late)).map(({ name, state }) => [name, state])).toEqual([["later", null]]);
  await h.settle();
  expect((await h.w.store.board(late)).map(({ name, state }) => [name, state])).toEqual([["later", "ready"]]);
  expect((await h.w.holds()).map(({ lab: name, guard }) => [name, guard])).toEqual([["gone", "unreviewed-destroy"]]);
});

test("what ended long before labkeeper came is nobody's news", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  const old = h.open(lab("three"));
  h.github.merge(old);
  const open = h.open(lab("four"));
  h.w.later(2);
  await h.settle();
  expect((await h.review()).reviewed).toEqual([open]);
  expect((await h.review()).reviewed).toEqual([]);
  expect(await h.w.store.review(old)).toBeNull();
});

test("what others changed while it was planned does not count as reviewed with it", async () => {
  await using h = await hostedWorld({ files: labs(["mine", "theirs", "kept"]) });
  await h.settle();
  const number = h.open(gone("mine"));
  let compared = 0;
  const store = {
    ...h.w.store,
    compare: async (
      ...call: Parameters<typeof h.w.store.compare>
    ): Promise<Awaited<ReturnType<typeof h.w.store.compare>>> => {
      // The first is the branch as it is, the second as the pull request would leave it.
      if (++compared === 2) {
        h.push(gone("theirs"));
        await h.w.reconcile();
      }
      return await h.w.store.compare(...call);
    },
  };
  await h.review({ store });
  expect(shown(await h.reviewed(number))).toEqual(["destroy mine"]);
  h.github.merge(number);
  await h.settle();
  expect(await h.w.existing()).toEqual(["kept", "theirs"]);
});

test("a plan that holds the labs of others does not speak for them", async () => {
  await using h = await hostedWorld({ files: labs(["mine", "theirs", "kept"]), guards: { maxDestroys: 1 } });
  await h.settle();
  h.push(gone("theirs"));
  await h.settle();
  const number = h.open(gone("mine"));
  await h.review();
  expect(shown(await h.reviewed(number))).toEqual(["destroy mine (destroy-budget)", "destroy theirs (destroy-budget)"]);
  h.github.merge(number);
  const { plan } = await h.settle();
  const guards = plan.changes.map(({ lab: name, held }) => [name, held?.guard]);
  expect(Object.fromEntries(guards)).toMatchObject({ mine: "destroy-budget", theirs: "unreviewed-destroy" });
});

test("titles, branches and files of a stranger are data", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const title = '`$(touch /tmp/x)` \u202e<!-- --> @octocat "; drop table labs; -- ../../..\n::error::x';
  const number = h.github.openPullRequest({
    title,
    branch: "refs-heads-main';--$(id)",
    fork: "monalisa",
    by: "monalisa",
    changes: {
      "labs/team-a/$(touch x).yaml": "spec: 1\n",
      ...plain(gone("one")),
    },
  }).number;
  expect(await h.review()).toEqual({ reviewed: [number], failed: [] });
  const [recorded] = await h.w.store.openPullRequests();
  expect(recorded?.pullRequest).toMatchObject({ title, head: { ref: "refs-heads-main';--$(id)", fork: true } });
  const review = await h.reviewed(number);
  expect(shown(review)).toEqual(["destroy one"]);
  expect([...new Set(review.problems.map(({ path }) => path))]).toEqual(["labs/team-a/$(touch x).yaml"]);
  h.github.merge(number);
  await h.settle();
  expect(await h.w.existing()).toEqual(["two"]);
});

test.each(["merge", "squash"] as const)(
  "a %s that git shows before the lists do takes nothing from the plan",
  async (method) => {
    await using h = await hostedWorld({ files: labs(["one", "two"]) });
    await h.settle();
    const number = h.open(gone("one"));
    await h.review();
    const real = h.deps.host;
    let merged = false;
    const host = {
      ...real,
      openPullRequests: async (...call: Parameters<typeof real.openPullRequests>) => {
        const open = await real.openPullRequests(...call);
        if (!merged) h.github.merge(number, { method });
        merged = true;
        return open;
      },
      endedPullRequests: async () => [],
    };
    expect(await h.review({ host })).toEqual({ reviewed: [], failed: [] });
    expect(shown(await h.reviewed(number))).toEqual(["destroy one"]);
    await h.settle();
    expect(await h.w.existing()).toEqual(["two"]);
  },
);

test("a pull request of which nothing is left to merge is told so, once it is sure to be open", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const number = h.open(gone("one"));
  await h.review();
  h.push(gone("one"));
  expect((await h.review()).reviewed).toEqual([]);
  h.w.later(0.05);
  expect((await h.review()).reviewed).toEqual([number]);
  expect((await h.reviewed(number)).changes).toEqual([]);
  expect((await h.review()).reviewed).toEqual([]);
});

test("a pull request onto another branch, or none any more, is not the catalog's", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  h.github.commit({ branch: "other", changes: { "README.md": "other\n" } });
  h.github.openPullRequest({ base: "other", changes: plain(gone("one")) });
  const number = h.open(gone("two"));
  expect((await h.review()).reviewed).toEqual([number]);
  h.github.close(number);
  h.github.deleteBranch(`patch-${number}`);
  expect((await h.review()).reviewed).toEqual([]);
  expect(await h.w.store.openPullRequests()).toEqual([]);
  expect(await h.w.store.unreviewedMerges()).toEqual([]);
});

test("conflicts are told, and a name that two pull requests want is each one's own", async () => {
  await using h = await hostedWorld({ files: lab("one") });
  await h.settle();
  const [mine, theirs] = [h.open(lab("one", { owner: "hubot" })), h.open({ ...gone("one"), ...lab("two") })];
  h.push(lab("one", { owner: "monalisa" }));
  await h.review();
  for (const number of [mine, theirs]) expect((await h.reviewed(number)).conflicts).toEqual([labPath("one")]);
  expect(shown(await h.reviewed(mine))).toEqual(["update one"]);
});

test("learning of merges takes bounded time and harms nothing when it is cut short", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const fault = h.github.faults.add(/^GET \/repos\/[^ ]*\/pulls/, { kind: "hold" });
  const stop = new AbortController();
  const learning = (async () => (await import("../../src/pull-requests.ts")).learnOfMerges(h.deps, stop.signal))();
  await expect.poll(() => fault.hits).toBeGreaterThan(0);
  stop.abort();
  await learning;
  expect(h.told).toEqual([]);
  h.github.faults.clear();
});
