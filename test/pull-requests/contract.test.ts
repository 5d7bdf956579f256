/** A plan is a contract: what was shown is what happens, and what was not shown does not destroy. */

import { expect, test } from "vitest";
import { catalogFile, gone, lab, labs, profileFile } from "../promises/files.ts";
import { carriedOut, type HostedWorld, hostedWorld, plain, shown } from "./hosted-world.ts";

const GRACEFUL = { graceful: { lifecycle: { deletionGraceHours: 10 } } };

const held = async ({ w }: HostedWorld): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await w.holds()).filter(({ state }) => state === "open").map(({ lab: name, guard }) => [name, guard]),
  );

test.each(["merge", "squash", "rebase"] as const)(
  "what a plan showed is what happens once it is merged by %s",
  async (method) => {
    await using h = await hostedWorld({
      profiles: GRACEFUL,
      files: {
        ...labs(["edited", "moved", "removed", "replaced", "kept"], { spec: { ttlHours: 48 } }),
        ...lab("leaves", { spec: { profile: "graceful" } }),
        ...lab("quota-1", { team: "team-b" }),
      },
      teams: [{ name: "team-a" }, { name: "team-b", maxActiveLabs: 1 }],
    });
    await h.settle();
    const number = h.open({
      ...lab("created"),
      ...lab("edited", { owner: "hubot", spec: { ttlHours: 48, workers: 3 } }),
      ...gone("removed", "moved", "leaves"),
      ...lab("moved", { ending: "yml", spec: { ttlHours: 48 } }),
      ...lab("replaced", { spec: { ttlHours: 48, version: "4.20.2" } }),
      ...lab("quota-2", { team: "team-b" }),
      ...lab("broken", { spec: { ttlHours: 9_999 } }),
    });
    const before = await h.w.dump();
    expect(await h.review()).toEqual({ reviewed: [number], failed: [] });
    const review = await h.reviewed(number);
    expect(shown(review)).toEqual([
      "create created",
      "create quota-2 (quota)",
      "destroy leaves",
      "destroy removed",
      "replace replaced (immutable-change)",
      "update edited",
    ]);
    expect(review.problems.map(({ path }) => path)).toEqual(["labs/team-a/broken.yaml"]);
    // Nothing of it touched a lab, a job or an event.
    const tables = (dump: string) =>
      dump.split("-- ").filter((part) => /^(labs|jobs|lab_events|holds|plans)\n/.test(part));
    expect(tables(await h.w.dump())).toEqual(tables(before));

    h.github.merge(number, { method });
    const { plan } = await h.settle();
    expect(plan.hash).toBe(review.hash);
    expect(carriedOut(plan.changes)).toEqual(shown(review));
    expect(await h.w.existing()).toEqual(["created", "edited", "kept", "leaves", "moved", "quota-1", "replaced"]);
    const [created] = (await h.w.events("created")).filter(({ type }) => type === "lab.created");
    expect(created?.cause).toMatchObject({ kind: "commit", pullRequest: number });
    expect((await h.w.lab("removed")).destroyCause).toMatchObject({ kind: "commit", pullRequest: number });
    expect((await h.w.lab("leaves")).leaving?.cause).toMatchObject({ kind: "commit", pullRequest: number });
  },
);

test("what nobody reviewed is held: a direct push, a push after the plan, a merge before it, one that was closed", async () => {
  await using h = await hostedWorld({
    files: labs(["pushed", "forced", "quick", "closed", "reviewed", "squashed", "kept"]),
    guards: { maxDestroys: 10 },
  });
  await h.settle();
  const forced = h.open({ ...lab("harmless") });
  const closed = h.open(gone("closed"));
  const reviewed = h.open(gone("reviewed"));
  const squashed = h.open(gone("squashed"));
  await h.review();
  h.github.forcePush(forced, plain(gone("forced")));
  const quick = h.open(gone("quick"));
  for (const number of [forced, quick, reviewed]) h.github.merge(number);
  h.github.merge(squashed, { method: "squash" });
  h.github.close(closed);
  // The same change as that of the pull request that was closed, and was planned.
  h.push(gone("pushed", "closed"));
  const { plan } = await h.settle();
  expect(carriedOut(plan.changes)).toEqual([
    "destroy closed (unreviewed-destroy)",
    "destroy forced (unreviewed-destroy)",
    "destroy pushed (unreviewed-destroy)",
    "destroy quick (unreviewed-destroy)",
    "destroy reviewed",
    "destroy squashed",
  ]);
  expect(await h.w.existing()).toEqual(["closed", "forced", "kept", "pushed", "quick"]);
  // Reviewing what was merged explains it, and reviews nothing.
  expect((await h.review()).reviewed.toSorted()).toEqual([forced, quick].toSorted());
  await h.settle();
  expect(Object.keys(await held(h)).sort()).toEqual(["closed", "forced", "pushed", "quick"]);

  // A person may still say yes, and a lab whose file comes back is kept.
  const hold = (await h.w.holds()).find(({ lab: name }) => name === "pushed");
  await h.w.store.approve(hold?.id ?? "", "octocat");
  h.push(lab("closed"));
  await h.settle();
  expect(await h.w.existing()).toEqual(["closed", "forced", "kept", "quick"]);
});

test("a plan speaks for the lab that it named, not for the next one of that name", async () => {
  await using h = await hostedWorld({ files: labs(["one", "kept"]) });
  await h.settle();
  const first = h.open(gone("one"));
  await h.review();
  h.github.merge(first);
  await h.settle();
  expect(await h.w.existing()).toEqual(["kept"]);
  h.push(lab("one"));
  await h.settle();
  h.push(gone("one"));
  await h.settle();
  expect(await held(h)).toEqual({ one: "unreviewed-destroy" });
  expect(await h.w.existing()).toEqual(["kept", "one"]);
});

test("an edit that ends a lab at once is a destroy that a plan has to show", async () => {
  await using h = await hostedWorld({ files: labs(["shown", "pushed"], { spec: { ttlHours: 48 } }) });
  await h.settle();
  h.w.later(20);
  const number = h.open(lab("shown", { spec: { ttlHours: 1 } }));
  await h.review();
  expect((await h.reviewed(number)).changes[0]?.running).not.toBeNull();
  h.github.merge(number);
  h.push(lab("pushed", { spec: { ttlHours: 1 } }));
  const { plan } = await h.settle();
  expect(carriedOut(plan.changes)).toEqual(["update pushed (unreviewed-destroy)", "update shown"]);
});

test.each([2, 0])(
  "an edit that was no end when it was planned, and is one when it is merged (warning %i h)",
  async (hours) => {
    const lifecycle = { warnBeforeDestroyHours: hours };
    await using h = await hostedWorld({
      files: labs(["slow", "again", "other"], { spec: { ttlHours: 48 } }),
      profiles: { quick: { lifecycle } },
    });
    await h.settle();
    h.w.later(10);
    // Each would leave four hours by the time of its plan.
    const slow = h.open(lab("slow", { spec: { ttlHours: 14 } }));
    const again = h.open(lab("again", { spec: { ttlHours: 14 } }));
    await h.review();
    for (const number of [slow, again]) expect((await h.reviewed(number)).changes[0]?.running).toBeNull();
    h.w.later(3.5);
    // Merged as it was planned ten hours into the lab's life, and carried out when half an hour would be left.
    h.github.merge(slow);
    expect((await h.review()).reviewed).toEqual([again]);
    expect((await h.reviewed(again)).changes[0]).toMatchObject({ running: { graceHours: Math.max(hours, 1) } });
    h.github.merge(again);
    const { plan } = await h.settle();
    expect(carriedOut(plan.changes)).toEqual(["update again", "update slow (unreviewed-destroy)"]);
    h.w.later(0.75);
    await h.settle();
    expect(await h.w.existing()).toEqual(["again", "other", "slow"]);
  },
);

test("two pull requests merged within a second are both taken at their word", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two", "three"]) });
  await h.settle();
  const [one, two] = [h.open({ ...gone("one"), ...lab("four") }), h.open(gone("two"))];
  await h.review();
  h.github.merge(one);
  h.github.merge(two, { method: "rebase" });
  const { plan } = await h.settle();
  expect(carriedOut(plan.changes)).toEqual(["create four", "destroy one", "destroy two"]);
  expect(await h.w.existing()).toEqual(["four", "three"]);
  for (const [name, number] of [
    ["one", one],
    ["two", two],
  ] as const) {
    expect((await h.w.lab(name)).destroyCause).toMatchObject({ kind: "commit", pullRequest: number });
  }
});

test("while GitHub cannot be asked nothing new counts as reviewed; later it goes on by itself", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const number = h.open({ ...gone("one"), ...lab("three") });
  await h.review();
  h.github.merge(number);
  h.github.faults.add(/^GET \/repos\/[^ ]*\/pulls/, { kind: "status", status: 503 });
  const { plan } = await h.settle();
  expect(carriedOut(plan.changes)).toEqual(["create three", "destroy one (unreviewed-destroy)"]);
  expect(h.told).toMatchObject([{ error: { code: "LK8001" }, pullRequest: null }]);
  h.github.faults.clear();
  await h.settle();
  expect(await h.w.existing()).toEqual(["three", "two"]);
  expect(await held(h)).toEqual({});
});

test("an edit in place, a policy and a dry run agree with the real run under the same rule", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  h.push({ ...gone("one"), ...lab("two", { owner: "hubot" }), ...lab("three") });
  const dry = await h.w.dryRun();
  const real = await h.w.reconcile();
  expect(dry.plan.hash).toBe(real.plan.hash);
  expect(carriedOut(real.plan.changes)).toEqual(["create three", "destroy one (unreviewed-destroy)", "update two"]);
});

test("labkeeper's own request to end a lab skips the grace, for that lab alone", async () => {
  await using h = await hostedWorld({
    profiles: GRACEFUL,
    files: labs(["expiring", "other", "kept"], { spec: { profile: "graceful" } }),
  });
  await h.settle();
  const { id } = await h.w.lab("expiring");
  const number = h.open({ ...gone("expiring"), ...gone("other") });
  const request = {
    labId: id,
    lab: "expiring",
    purpose: "expire",
    detail: "then",
    branch: "x",
    askedBy: { login: "labkeeper", id: null },
  } as const;
  await h.w.store.recordRequest({ ...request, pullRequest: number });
  await h.review();
  const review = await h.reviewed(number);
  const graces = review.changes.map(({ lab: name, running }) => [name, running?.graceHours]);
  expect(Object.fromEntries(graces)).toEqual({ expiring: null, other: 10 });
  h.github.merge(number);
  const { plan } = await h.settle();
  expect(plan.hash).toBe(review.hash);
  expect(await h.w.existing()).toEqual(["kept", "other"]);
  expect((await h.w.lab("other")).leaving).not.toBeNull();
});

test("a policy change shows which live labs it touches, and its plan is the one that follows", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]), teams: [{ name: "team-a", maxActiveLabs: 2 }] });
  await h.settle();
  const number = h.open({
    "profiles/quick.yaml": profileFile("quick", { costControls: { estimatedHourlyCost: 2 } }),
    "catalog.yaml": catalogFile([{ name: "team-a", maxActiveLabs: 3 }]),
    ...lab("three"),
  });
  await h.review();
  const review = await h.reviewed(number);
  expect(review.policy).toMatchObject({
    paths: ["catalog.yaml", "profiles/quick.yaml"],
    profiles: [{ name: "quick", change: "changed", liveLabs: 2, labs: ["one", "two"] }],
    settings: [{ path: "teams.team-a.maxActiveLabs", before: 2, after: 3 }],
  });
  expect(shown(review)).toEqual(["create three"]);
  h.github.merge(number);
  const { plan } = await h.settle();
  expect(plan.hash).toBe(review.hash);
  expect(await h.w.existing()).toEqual(["one", "three", "two"]);
});
