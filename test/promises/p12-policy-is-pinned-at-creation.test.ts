/** P12: policy is pinned at creation: what becomes of a profile never changes or blocks the labs that have it. */

import { describe, expect, test } from "vitest";
import { gone, type LabChange, lab, type ProfileChange, profileFile } from "./files.ts";
import { type World, world } from "./world.ts";

const SPECIAL: ProfileChange = {
  openshiftVersions: { allowlist: ["4.20.2", "4.20.3"], default: "4.20.3" },
  lifecycle: { defaultTTLHours: 24, maxAttempts: 2 },
};
const special = (change: LabChange = {}): LabChange => ({ ...change, spec: { profile: "special", ...change.spec } });

/** One lab of a profile that is about to change, and another lab that stays. */
async function pinned(): Promise<World> {
  const w = await world({ profiles: { special: SPECIAL } });
  await w.turn({ ...lab("one", special()), ...lab("two") });
  return w;
}

const edit = (change: ProfileChange) => ({
  "profiles/special.yaml": profileFile("special", { ...SPECIAL, ...change }),
});

const CHANGES: readonly (readonly [string, Record<string, string | null>])[] = [
  ["disabled", edit({ enabled: false })],
  ["deleted", { "profiles/special.yaml": null }],
  ["broken", { "profiles/special.yaml": "spec: [" }],
  ["without the lab's version", edit({ openshiftVersions: { allowlist: ["4.20.2"], default: "4.20.2" } })],
  ["with another provisioner", edit({ provisioner: "nobody-registered-this" })],
  ["with another platform", edit({ platform: "aws" })],
  ["with a shorter life", edit({ lifecycle: { maxTTLHours: 1, defaultTTLHours: 1 } })],
  ["with tags that it requires", edit({ tags: { required: ["purpose"], defaults: {}, allowUserTags: true } })],
];

describe.each(CHANGES)("a profile that is %s later", (_, change) => {
  test("changes nothing about its labs, nor their destroy, which goes by the pinned policy", async () => {
    await using w = await pinned();
    const before = await w.lab("one");
    const { plan } = await w.turn(change);
    expect(plan.changes.filter(({ action }) => action !== "keep")).toEqual([]);
    expect(await w.lab("one")).toEqual(before);
    expect((await w.cloud.journal()).map(({ event }) => event).sort()).toEqual([
      "created",
      "created",
      "creating",
      "creating",
    ]);

    w.later(23);
    await w.turn();
    expect(await w.existing()).toEqual(["one", "two"]);
    let seen: string | null = null;
    w.interfere.destroy = (order, ...rest) => {
      seen = order.profile.digest;
      return w.real.destroy(order, ...rest);
    };
    await w.turn(gone("one"));
    expect(seen).toBe(before.policy.digest);
    expect(await w.existing()).toEqual(["two"]);
    expect(await w.detail("one")).toMatchObject({ lab: { state: "destroyed" }, receipt: { provisioner: "simulated" } });
  });
});

test("an expiry and a command go by the pinned policy too", async () => {
  await using w = await pinned();
  await w.turn(lab("three", special()));
  await w.turn({ "profiles/special.yaml": null });
  await w.store.cancel("three", "octocat");
  await w.work();
  expect(await w.existing()).toEqual(["one", "two"]);
  await w.turn({ ...gone("three"), ...lab("two", { spec: { ttlHours: 100 } }) });
  w.later(24.5);
  await w.turn();
  expect(await w.existing()).toEqual(["two"]);
  expect(await w.lab("one")).toMatchObject({ destroyCause: { kind: "expired" } });
});

test("new defaults are for new labs", async () => {
  await using w = await pinned();
  const change = edit({
    openshiftVersions: { allowlist: ["4.20.2", "4.20.3"], default: "4.20.2" },
    lifecycle: { defaultTTLHours: 48 },
    compute: {
      controlPlane: { replicas: 1, schedulable: true },
      workers: { replicas: 3, minReplicas: 0, maxReplicas: 5 },
    },
  });
  await w.turn({ ...change, ...lab("new", special()) });
  expect(await w.lab("one")).toMatchObject({ spec: { ttlHours: 24, version: "4.20.3", workers: 0 } });
  expect(await w.lab("new")).toMatchObject({ spec: { ttlHours: 48, version: "4.20.2", workers: 3 } });

  // An edit of another field leaves what the file leaves out as it was pinned.
  await w.turn(lab("one", special({ owner: "hubot" })));
  expect(await w.lab("one")).toMatchObject({
    state: "ready",
    spec: { owner: "hubot", ttlHours: 24, version: "4.20.3", workers: 0 },
  });
  const cluster = (await w.cloud.clusters()).find(({ name }) => name === "one");
  expect(cluster).toMatchObject({ version: "4.20.3", workers: 0 });
  expect(cluster?.resources.filter((resource) => resource.includes("master"))).toHaveLength(3);
});

test("the deletion grace and the attempts are those of the day it was made", async () => {
  await using w = await world({ profiles: { special: { lifecycle: { deletionGraceHours: 10, maxAttempts: 2 } } } });
  await w.turn({ ...lab("one", special()), ...lab("two") });
  w.weather = { failureRate: { install: 1 } };
  await w.turn(lab("three", special()));
  await w.turn(edit({ lifecycle: { deletionGraceHours: 0, maxAttempts: 9 } }));
  await w.hurry();
  await w.work();
  expect(await w.lab("three")).toMatchObject({ state: "failed_permanent", failure: { attempt: 2 } });
  await w.turn(gone("one"));
  expect(await w.existing()).toContain("one");
  expect((await w.lab("one")).leaving).not.toBeNull();
  w.later(10.5);
  await w.turn();
  expect(await w.existing()).not.toContain("one");
});

test("the policy is stored once under its digest and cannot be edited", async () => {
  await using w = await pinned();
  const { policy } = await w.lab("one");
  expect(policy).toMatchObject({
    name: "special",
    digest: expect.stringMatching(/^sha256:/),
    spec: { provisioner: "simulated" },
  });
  for (const statement of ["update policies set name = 'x'", "delete from policies"])
    await expect(w.sql(statement)).rejects.toThrow("history cannot be edited");
  await expect(w.sql("update labs set policy_digest = 'x' where name = 'one'")).rejects.toThrow("pinned");
});

describe("a lab's time is over when its pinned policy says so", () => {
  test("whatever is wrong with its file", async () => {
    await using w = await world({ files: lab("one") });
    await w.turn();
    w.later(1_000);
    await w.turn({ "labs/team-a/one.yaml": "broken: [" });
    expect((await w.lab("one")).state).toBe("destroyed");
    expect((await w.lab("one")).destroyCause).toMatchObject({ kind: "expired" });
  });

  test("whatever became of its profile", async () => {
    await using w = await world({ files: lab("one") });
    await w.turn();
    w.later(1_000);
    await w.turn({ "profiles/quick.yaml": profileFile("quick", { enabled: false }) });
    expect((await w.lab("one")).state).toBe("destroyed");
  });
});

describe("a file whose lab is there", () => {
  const withdrawn: readonly (readonly [string, Record<string, string | null>])[] = [
    ["its version is no longer offered", edit({ openshiftVersions: { allowlist: ["4.20.2"], default: "4.20.2" } })],
    ["its profile was disabled", edit({ enabled: false })],
  ];
  test.each(withdrawn)("can still be edited when %s, and no new lab can be had so", async (_, change) => {
    await using w = await world({ profiles: { special: SPECIAL } });
    await w.turn(lab("one", special({ spec: { version: "4.20.3", ttlHours: 24 } })));
    const quiet = await w.turn(change);
    expect(quiet.plan.problems).toEqual([]);
    const before = await w.lab("one");
    const { plan } = await w.turn({
      ...lab("one", special({ spec: { version: "4.20.3", ttlHours: 48 } })),
      ...lab("two", special({ spec: { version: "4.20.3" } })),
    });
    expect(plan.problems.map(({ path }) => path)).toEqual(["labs/team-a/two.yaml"]);
    const after = await w.lab("one");
    expect(after.id).toBe(before.id);
    expect((after.expiresAt?.getTime() ?? 0) - (before.expiresAt?.getTime() ?? 0)).toBe(24 * 3_600_000);
    expect(await w.states()).toEqual({ one: "ready" });
  });
});
