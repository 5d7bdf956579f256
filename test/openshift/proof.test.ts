/** What an installer says of its work, and what labkeeper makes of it: ready and destroyed are seen, or they are not said. */

import { describe, expect, test, vi } from "vitest";
import type { CloudInventory } from "../../src/cloud-ports.ts";
import type { ClaimedJob } from "../../src/ports.ts";
import type { Cloud } from "../../src/provisioners/openshift/deps.ts";
import { work } from "../../src/work.ts";
import { claimAll, claimOne } from "../store/seed.ts";
import { openRecords, type Records, workerDeps } from "./hosts.ts";
import { type World, world } from "./world.ts";

const PATIENT = { timeout: 90_000 };

/** One run of whatever is due now. */
async function turn(it: World, at: Records, clouds = it.deps.clouds) {
  await at.due();
  const job = await claimOne(at.store);
  const deps = workerDeps(it, at, "one", { openshift: { clouds } });
  return await work(deps, job, { signal: new AbortController().signal, leaving: () => false });
}

const receipts = async ({ raw }: Records) =>
  (await raw.query("select provisioner, observations from destroy_receipts")).rows as {
    readonly observations: readonly { readonly verdict: string }[];
  }[];

async function ready(it: World, at: Records): Promise<void> {
  expect(await turn(it, at)).toMatchObject({ kind: "provisioned" });
  expect(await at.lab()).toMatchObject({ state: "ready" });
}

const withInventory = (it: World, inventory: CloudInventory | null): ReadonlyMap<string, Cloud> => {
  const aws = it.deps.clouds.get("aws");
  return new Map([["aws", { inventory, account: aws?.account ?? null }]]);
};

describe.concurrent("an installer that says all is well", PATIENT, () => {
  test("and made no cluster leaves no lab ready; another attempt does", async () => {
    await using it = await world();
    await using at = await openRecords(it, "team-a-hollow");
    await it.plan([{ command: "create cluster", at: "start", do: "succeed" }]);
    expect(await turn(it, at)).toMatchObject({ kind: "retry", failure: { code: "LK5006", step: "verify" } });
    expect(await at.lab()).toMatchObject({ state: "failed" });
    await ready(it, at);
    await at.removeLab();
    expect(await turn(it, at)).toMatchObject({ kind: "destroyed" });
  });

  test("and left something of the cluster writes no receipt; what remains is named, and removed later", async () => {
    await using it = await world();
    await using at = await openRecords(it, "team-a-residue");
    await ready(it, at);
    await at.removeLab();
    await it.plan([{ command: "destroy cluster", at: "half", do: "residue" }]);
    expect(await turn(it, at)).toMatchObject({
      kind: "retry",
      failure: { code: "LK5007", step: "observe", message: expect.stringContaining("/vpc") },
    });
    expect(await at.lab()).toMatchObject({ state: "destroy_failed" });
    expect(await receipts(at)).toEqual([]);
    expect(await turn(it, at)).toMatchObject({ kind: "destroyed" });
    expect(await it.resources()).toEqual([]);
    const [receipt] = await receipts(at);
    expect(receipt?.observations.map(({ verdict }) => verdict)).toEqual(["absent", "absent"]);
  });
});

test("two labs that each fit into a quota but not together do not both begin", PATIENT, async () => {
  await using it = await world();
  await using at = await openRecords(it, "team-a-first", "team-a-second");
  let used = 0;
  const aws = it.deps.clouds.get("aws");
  if (!aws?.account) throw new Error("an account");
  const needs = async () => [{ scope: "aws/123456789012/us-east-1", resource: "vCPU", need: 40, limit: 64, used }];
  const clouds = new Map([["aws", { ...aws, account: { ...aws.account, preflight: needs } }]]);
  const run = async (job: ClaimedJob) =>
    await work(workerDeps(it, at, "one", { openshift: { clouds } }), job, {
      signal: new AbortController().signal,
      leaving: () => false,
    });
  const [first, second] = await claimAll(at.store);
  if (first === undefined || second === undefined) throw new Error("two jobs");
  const began = run(first);
  await vi.waitFor(async () => expect((await at.raw.query("select 1 from reservations")).rowCount).toBe(1), 30_000);
  expect(await run(second)).toMatchObject({ kind: "retry", failure: { code: "LK4008", step: "preflight" } });
  expect(await it.artifacts.list(`labs/${second.lab.id}/installs`)).toEqual([]);
  expect(await began).toMatchObject({ kind: "provisioned" });
  // The cloud itself counts the first one from now on.
  used = 40;
  await at.due();
  expect(await run(await claimOne(at.store))).toMatchObject({ kind: "retry", failure: { code: "LK4008" } });
  used = 0;
  await at.due();
  expect(await run(await claimOne(at.store))).toMatchObject({ kind: "provisioned" });
  await at.removeLab();
  for (const job of await claimAll(at.store)) expect(await run(job)).toMatchObject({ kind: "destroyed" });
});

describe.concurrent("a cloud that cannot be seen", PATIENT, () => {
  test.each<readonly [string, CloudInventory | null]>([
    ["answers nothing", { observe: () => Promise.reject(new Error("timed out")), sweep: () => Promise.reject() }],
    [
      "answers unknown",
      { observe: async () => ({ verdict: "unknown", reason: "403" }), sweep: () => Promise.reject() },
    ],
    ["has no inventory", null],
  ])("because it %s leaves a destroyed lab in destroy_failed, until it can", async (_what, inventory) => {
    await using it = await world();
    await using at = await openRecords(it, "team-a-blind");
    await ready(it, at);
    await at.removeLab();
    for (let round = 0; round < 2; round++) {
      const seen = await turn(it, at, withInventory(it, inventory));
      expect(seen).toMatchObject({ kind: "retry", failure: { code: "LK5008" } });
      expect(await at.lab()).toMatchObject({ state: "destroy_failed" });
      expect(await receipts(at)).toEqual([]);
    }
    // It is gone all the same; what was missing is the proof.
    expect(await it.resources()).toEqual([]);
    expect(await turn(it, at)).toMatchObject({ kind: "destroyed" });
    expect(await receipts(at)).toHaveLength(1);
  });

  test("between two looks proves nothing by the first", async () => {
    await using it = await world();
    await using at = await openRecords(it, "team-a-second");
    await ready(it, at);
    await at.removeLab();
    let looks = 0;
    const observe: CloudInventory["observe"] = async () =>
      ++looks % 2 === 1 ? { verdict: "absent", evidence: ["nothing"] } : { verdict: "unknown", reason: "throttled" };
    const seen = await turn(it, at, withInventory(it, { observe, sweep: () => Promise.reject() }));
    expect(seen).toMatchObject({ kind: "retry", failure: { code: "LK5008" } });
    expect(looks).toBe(2);
    expect(await receipts(at)).toEqual([]);
  });
});
