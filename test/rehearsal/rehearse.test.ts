/** A catalog's past, lived through again: what would have been made, held and paid. */

import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { palette } from "../../src/cli/palette.ts";
import { rehearsalText } from "../../src/cli/views/rehearsal.ts";
import { loadConfig } from "../../src/config.ts";
import { hoursByMonth, mostAtOnce, quantiles, type Rehearsal } from "../../src/core/rehearsal.ts";
import type { RehearsedFaults } from "../../src/provisioners/rehearsed.ts";
import { rehearse } from "../../src/rehearse.ts";
import { withRehearsal } from "../../src/wire-rehearsal.ts";
import {
  type BareRepository,
  createRepository,
  type Files,
  git,
  temporaryFolder,
} from "../../standins/git/repository.ts";
import { catalogFile, gone, labs, names, profileFile } from "../promises/files.ts";

let folder: ReturnType<typeof temporaryFolder>;
let repository: BareRepository;
beforeEach(() => {
  folder = temporaryFolder();
  repository = createRepository(join(folder.path, "catalog.git"));
});
afterEach(() => folder.remove());

const hour = (count: number): Date => new Date(Date.UTC(2026, 0, 30) + count * 3_600_000);

/** A commit at its time. */
function merge(at: Date, files: Files): string {
  const commit = repository.commit(files);
  const seconds = `${at.getTime() / 1000} +0000`;
  const raw = repository
    .git(["cat-file", "commit", commit])
    .replace(/^committer (.*>) .*$/m, `committer $1 ${seconds}`);
  const oid = git(repository.path, ["hash-object", "-t", "commit", "-w", "--stdin"], `${raw}\n`);
  repository.git(["update-ref", "refs/heads/main", oid]);
  return oid;
}

async function rehearsed(faults: RehearsedFaults = "none", seed = "1", until = hour(100)): Promise<Rehearsal> {
  const config = await loadConfig({ stateDir: join(folder.path, "state"), catalog: repository.path }, {}, folder.path);
  const since = hour(0);
  return await withRehearsal(config, { since, seed, faults, speed: null, onCommit: () => undefined }, (deps) =>
    rehearse(deps, { since, until, signal: new AbortController().signal }),
  );
}

const begin = (): string =>
  merge(hour(-5), {
    "catalog.yaml": catalogFile(undefined, { maxDestroys: 3 }),
    "profiles/quick.yaml": profileFile("quick"),
    ...labs(["old"], { spec: { ttlHours: 160 } }),
  });

describe("a history with a mass deletion", () => {
  test("is held, and what was made, changed, destroyed, waited for and paid is said", {
    timeout: 120_000,
  }, async () => {
    begin();
    const all = names("lab", 14);
    merge(hour(10), labs(all, { spec: { ttlHours: 168 } }));
    merge(hour(20), labs(["lab-01"], { spec: { ttlHours: 168, workers: 2 } }));
    const mass = merge(hour(30), gone(...all.slice(0, 10)));
    merge(hour(60), labs(["short"], { spec: { ttlHours: 1 } }));
    const before = readdirSync(folder.path).sort();
    const result = await rehearsed();

    expect(result).toMatchObject({ from: hour(0), to: hour(100), commits: 5, failures: [], refused: [] });
    expect(result.labs).toMatchObject({ made: 16, changed: 1, destroyed: 1, mostAtOnce: 16, atEnd: 15 });
    expect(result.holds).toEqual([
      { guard: "destroy-budget", commit: mass, at: hour(30), labs: expect.arrayContaining(["lab-05"]) },
    ]);
    expect(result.holds[0]?.labs).toHaveLength(10);
    // Fourteen labs at once, ten places: the last ones wait for about half an hour.
    expect(result.queue.provision?.jobs).toBe(16);
    expect(result.queue.provision?.max).toBeGreaterThan(1_000);
    expect(result.cost.map(({ team, month }) => `${team} ${month}`)).toEqual(["team-a 2026-01", "team-a 2026-02"]);
    const dollars = result.cost.reduce((sum, each) => sum + each.dollars, 0);
    // A dollar an hour each: one for 100 hours, fourteen for 90, one with five machines instead of three, one for two.
    expect(dollars).toBeGreaterThan(1_380);
    expect(dollars).toBeLessThan(1_450);

    const text = rehearsalText(result, palette(false));
    expect(text).toContain("16 labs made, 1 changed, 1 destroyed");
    expect(text).toContain(`${mass.slice(0, 10)}  2026-01-31 06:00:00Z  destroy-budget`);
    // Nothing of the operator's own was touched, and nothing is left.
    expect(readdirSync(folder.path).sort()).toEqual(before);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`labkeeper-rehearse-${process.pid}-`))).toEqual([]);
  });
});

describe("faults", () => {
  test("are drawn from the seed, and every lab still comes and goes", { timeout: 120_000 }, async () => {
    begin();
    merge(hour(1), labs(names("lab", 8), { spec: { ttlHours: 24 } }));
    const result = await rehearsed("many", "7", hour(90));
    expect(result.failures.length).toBeGreaterThan(0);
    const { made, destroyed, atEnd } = result.labs;
    expect(made).toBeGreaterThanOrEqual(6);
    expect(made - destroyed).toBeLessThanOrEqual(atEnd + 1);
    expect((await rehearsed("many", "7", hour(90))).failures).toEqual(result.failures);
  });
});

describe("sums", () => {
  test("hours go to their calendar months", () => {
    expect(hoursByMonth(new Date("2026-01-31T22:00:00Z"), new Date("2026-03-01T01:00:00Z"))).toEqual([
      { month: "2026-01", hours: 2 },
      { month: "2026-02", hours: 28 * 24 },
      { month: "2026-03", hours: 1 },
    ]);
  });
  test("one that ends as another begins does not overlap it", () => {
    const span = (from: number, to: number) => ({ from: hour(from), to: hour(to) });
    expect(mostAtOnce([span(0, 2), span(2, 3), span(1, 4)])).toBe(2);
    expect(mostAtOnce([])).toBe(0);
  });
  test("quantiles are values that were there", () => {
    expect(quantiles([5, 1, 3])).toEqual({ jobs: 3, p50: 3, p90: 5, max: 5 });
    expect(quantiles([])).toEqual({ jobs: 0, p50: 0, p90: 0, max: 0 });
  });
});
