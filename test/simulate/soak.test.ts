/** A soak of seconds: it passes as it is, and finds what is planted. */

import { expect, test } from "vitest";
import type { Soaked } from "../../simulate/soak-gather.ts";
import { failuresOf, reportOf } from "../../simulate/soak-report.ts";
import { soak } from "../../simulate/soak-run.ts";
import { type SoakSettings, settingsFrom } from "../../simulate/soak-settings.ts";
import { createDatabase } from "../database.ts";

const TIME = { timeout: 240_000 };

const defaults = settingsFrom([]);
if (defaults === "help") throw new Error("no options are no call for help");

/** Ends by jobs done. So short a time is all warm-up: only what leaks by the second counts. */
const tiny: SoakSettings = {
  ...defaults,
  labs: 20,
  churnMs: 120_000,
  jobs: 90,
  concurrency: 4,
  changesPerSecond: 12,
  // Nobody's lease runs out while this machine is slow.
  endsLeasesOfKilled: true,
  faultEveryMs: 1_500,
  sampleEveryMs: 400,
  limit: 15_000,
};

async function soaked(settings: SoakSettings): Promise<Soaked> {
  const database = await createDatabase();
  try {
    return await soak(settings, database.connection, () => undefined);
  } finally {
    await database.drop();
  }
}

test("twenty labs and all faults: nothing is lost", TIME, async () => {
  const found = await soaked(tiny);
  expect(failuresOf(found, tiny)).toEqual([]);
  expect(found.lost).toEqual([]);
  expect(found.jobs.succeeded).toBeGreaterThanOrEqual(90);
  expect(found.faults.get("worker killed")).toBeGreaterThan(0);
  expect(found.faults.get("connection cut")).toBeGreaterThan(0);
  expect(found.memory.map(({ name }) => name)).toEqual([
    "worker-steady",
    "worker-paused",
    "reconciler-steady",
    "the soak itself",
  ]);
  const report = reportOf(found).join("\n");
  for (const figure of [
    "start latency, burst, provision: p50",
    "faults: worker killed",
    "memory of worker-steady: RSS",
  ])
    expect(report).toContain(figure);
});

test("a leak and a lease that is lost are found", TIME, async () => {
  const planted: SoakSettings = { ...tiny, faultEveryMs: null, planted: ["leak", "lost-lease"] };
  const found = await soaked(planted);
  const failures = failuresOf(found, planted);
  expect(failures).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^memory: the RSS of worker-steady grows by/),
      expect.stringMatching(/^memory: the heap of worker-steady grows by/),
      expect.stringMatching(/^lease lost: .*worker-steady/),
    ]),
  );
  // Neither is the fault of anybody else. Who does not know that its lease is gone goes on with its call until the next
  // heartbeat: an install that is repeated beside it ends with other credentials, on that lab and on no other.
  const robbed = failures.flatMap(
    (each) => /^lease lost: (\S+) was taken over from worker-steady/.exec(each)?.[1] ?? [],
  );
  const explained = robbed.map((lab) => `lost: ${lab}: its credentials do not open it`);
  const own = /^(memory|lease lost): .*worker-steady/;
  expect(failures.filter((each) => !own.test(each) && !explained.includes(each))).toEqual([]);
});
