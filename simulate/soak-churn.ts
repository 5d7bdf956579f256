/** The people of a soak: they add, edit and remove labs, so that there are about as many at any time. */

import { prng } from "../src/core/prng.ts";
import type { Files } from "../standins/git/repository.ts";
import { catalogFile, lab, labPath, profileFile } from "../test/promises/files.ts";

const TEAMS = ["team-a", "team-b", "team-c", "team-d", "team-e"];
/** How many numbers of workers there are to choose from. */
const SIZES = 5;

export interface Churn {
  /** The workers that each file's lab wants, by name. */
  readonly wanted: ReadonlyMap<string, number>;
  /** Everything that is there at first. */
  first(): Files;
  /** So many files change: half of them edits, the others removals and as many new labs. */
  some(changes: number): Files;
}

const CLOUD = {
  latencySeconds: { install: 0.3, verify: 0.01, update: 0.05, destroy: 0.1, observe: 0.01 },
  jitter: 0.5,
  failureRate: { install: 0.05, update: 0.05, destroy: 0.05 },
  lies: { installedNothing: 0.02, residue: 0.05, unknown: 0.02 },
};

/** Guards are for people who err; here every change is meant. */
const POLICY: Files = {
  "catalog.yaml": catalogFile(
    TEAMS.map((name) => ({ name })),
    { maxDestroys: 100_000, maxDestroyPercent: 100 },
  ),
  "profiles/quick.yaml": profileFile("quick", {
    // Luck that fails ten times in a row would look like a lost lab.
    lifecycle: { maxAttempts: 20 },
    platformConfig: { simulated: CLOUD },
  }),
};

export function churnOf(count: number, seed: number): Churn {
  const random = prng("soak", seed, count);
  const wanted = new Map<string, number>();
  const removed: string[] = [];
  let serial = 0;
  const below = (most: number): number => Math.floor(random() * most);
  const place = (name: string): { readonly team: string } => ({
    team: TEAMS[Number(name.slice(-5)) % TEAMS.length] ?? "team-a",
  });
  const write = (name: string, workers: number): Files => {
    wanted.set(name, workers);
    return lab(name, { ...place(name), spec: { workers, ttlHours: 160 } });
  };
  /** Half of the new labs come back under a name whose lab may still be on its way out. */
  const newName = (taken: ReadonlySet<string>): string => {
    const [old] = random() < 0.5 ? removed.splice(below(removed.length), 1) : [];
    if (old !== undefined && !taken.has(old)) return old;
    if (old !== undefined) removed.push(old);
    serial += 1;
    return `lab-${String(serial).padStart(5, "0")}`;
  };
  const any = (): string => [...wanted.keys()][below(wanted.size)] ?? "";
  return {
    wanted,
    first() {
      const none = new Set<string>();
      return Object.assign({ ...POLICY }, ...Array.from({ length: count }, () => write(newName(none), below(SIZES))));
    },
    some(changes) {
      const files: Record<string, Files[string]> = {};
      // Each name changes once in a commit.
      const touched = new Set<string>();
      while (touched.size < Math.min(changes, count)) {
        const name = any();
        if (touched.has(name)) continue;
        touched.add(name);
        if (random() < 0.5) {
          Object.assign(files, write(name, ((wanted.get(name) ?? 0) + 1 + below(SIZES - 1)) % SIZES));
          continue;
        }
        const fresh = newName(touched);
        touched.add(fresh);
        Object.assign(files, write(fresh, below(SIZES)));
        wanted.delete(name);
        removed.push(name);
        files[labPath(name, place(name))] = null;
      }
      return files;
    },
  };
}
