/** Histories: what people, git, clouds and machines do, as plain data drawn from a seed. The same seed, the same history. */

import { prng } from "../src/core/prng.ts";
import type { JsonObject } from "../src/core/types.ts";
import type { LabChange } from "../test/promises/files.ts";
import type { Fate } from "./fate.ts";

export const NAMES = ["ash", "birch", "cedar", "elm", "oak"] as const;

export type Step =
  | { readonly do: "write"; readonly lab: string; readonly file: LabChange }
  | { readonly do: "edit"; readonly lab: string; readonly workers: number }
  | { readonly do: "flag"; readonly lab: string; readonly field: "protect" | "suspend"; readonly on: boolean }
  | { readonly do: "remove"; readonly labs: readonly string[] }
  | { readonly do: "rename"; readonly lab: string; readonly to: string }
  | { readonly do: "break"; readonly lab: string; readonly how: number }
  | { readonly do: "duplicate"; readonly lab: string }
  | { readonly do: "revert" }
  | { readonly do: "force-push"; readonly back: number }
  | { readonly do: "rewrite" }
  | { readonly do: "policy"; readonly broken: boolean }
  /** One list of fates each reconciler that runs at once; two are a webhook delivered twice. */
  | { readonly do: "reconcile"; readonly processes: readonly (readonly Fate[])[] }
  | { readonly do: "dry-run" }
  /** One list of fates each worker that runs at once. */
  | { readonly do: "work"; readonly processes: readonly (readonly Fate[])[] }
  | { readonly do: "real worker"; readonly killAfterMs: number }
  | { readonly do: "janitor"; readonly fates: readonly Fate[] }
  /** A round on pull requests, with what GitHub does to it. */
  | { readonly do: "talk"; readonly fault: { readonly kind: string; readonly times: number } | null }
  | { readonly do: "git fault"; readonly kind: string }
  | { readonly do: "approve"; readonly nth: number; readonly comment: boolean }
  | { readonly do: "cancel"; readonly lab: string; readonly comment: boolean }
  | { readonly do: "retry"; readonly lab: string; readonly comment: boolean }
  | { readonly do: "hurry" }
  | { readonly do: "hours pass"; readonly hours: number }
  /** The hosts' own clocks, not the database's. */
  | { readonly do: "clock jump"; readonly hours: number }
  | { readonly do: "weather"; readonly weather: JsonObject };

export interface HistoryOptions {
  readonly steps: number;
  /** Workers in processes of their own, killed with -9. */
  readonly realProcesses: boolean;
}

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const below = (random: Random, bound: number): number => Math.floor(random() * bound);

const file = (random: Random): LabChange => ({
  team: pick(random, ["team-a", "team-a", "team-b"]),
  ending: pick(random, ["yaml", "yml"]),
  spec: {
    profile: pick(random, ["quick", "quick", "graceful"]),
    workers: below(random, 5),
    ttlHours: pick(random, [24, 48, 72]),
  },
});

const STORM: JsonObject = {
  failureRate: { prepare: 0.1, install: 0.3, verify: 0.2, update: 0.3, destroy: 0.2, observe: 0.1 },
  permanentFailureRate: { install: 0.1, update: 0.1, destroy: 0.2 },
  lies: { installedNothing: 0.2, residue: 0.5, unknown: 0.4 },
};
const HANGS: JsonObject = { hangRate: { install: 0.3, destroy: 0.3, observe: 0.1, update: 0.3 } };
const LIARS: JsonObject = { lies: { installedNothing: 0.5, residue: 0.6, unknown: 0.6 } };

const WORKER_FATES = [
  "crash-before",
  "crash-after",
  "crash-before",
  "crash-after",
  "freeze",
  "cut",
  "cut",
  "disk-full",
  "one-connection",
  "slow",
] as const;
const RECONCILER_FATES = ["crash-before", "crash-after", "freeze", "cut", "one-connection", "unreadable"] as const;

/** Where in its life something happens to a process: the nth call to any of its ports. */
const fates = (random: Random, kinds: readonly Fate["kind"][], calls: number, chance: number): readonly Fate[] =>
  random() < chance ? [{ kind: pick(random, kinds), at: 1 + below(random, calls) }] : [];

const lab = (random: Random): string => pick(random, NAMES);

const DRAWS: readonly (readonly [weight: number, draw: (random: Random) => Step])[] = [
  [7, (random) => ({ do: "write", lab: lab(random), file: file(random) })],
  [4, (random) => ({ do: "edit", lab: lab(random), workers: below(random, 5) })],
  [
    2,
    (random) => ({
      do: "flag",
      lab: lab(random),
      field: pick(random, ["protect", "suspend"] as const),
      on: random() < 0.5,
    }),
  ],
  [4, (random) => ({ do: "remove", labs: random() < 0.15 ? NAMES : [lab(random)] })],
  [2, (random) => ({ do: "rename", lab: lab(random), to: lab(random) })],
  [3, (random) => ({ do: "break", lab: lab(random), how: below(random, 4) })],
  [2, (random) => ({ do: "duplicate", lab: lab(random) })],
  [2, () => ({ do: "revert" })],
  [1, (random) => ({ do: "force-push", back: 1 + below(random, 3) })],
  [1, () => ({ do: "rewrite" })],
  [2, (random) => ({ do: "policy", broken: random() < 0.5 })],
  [
    14,
    (random) => ({
      do: "reconcile",
      processes: Array.from({ length: random() < 0.2 ? 2 : 1 }, () => fates(random, RECONCILER_FATES, 9, 0.35)),
    }),
  ],
  [1, () => ({ do: "dry-run" })],
  [
    14,
    (random) => ({
      do: "work",
      processes: Array.from({ length: 1 + below(random, 3) }, () => fates(random, WORKER_FATES, 45, 0.6)),
    }),
  ],
  [2, (random) => ({ do: "janitor", fates: fates(random, ["crash-before", "crash-after", "cut", "freeze"], 8, 0.4) })],
  [4, () => ({ do: "hurry" })],
  [4, (random) => ({ do: "approve", nth: below(random, 8), comment: random() < 0.5 })],
  [1, (random) => ({ do: "cancel", lab: lab(random), comment: random() < 0.5 })],
  [2, (random) => ({ do: "retry", lab: lab(random), comment: random() < 0.5 })],
  [3, (random) => ({ do: "hours pass", hours: pick(random, [1, 5, 11, 25]) })],
  [1, (random) => ({ do: "clock jump", hours: pick(random, [-48, -1, 1, 48, 24 * 365]) })],
  [3, (random) => ({ do: "weather", weather: pick(random, [STORM, STORM, HANGS, LIARS, {}, {}]) })],
];

const HOSTED_DRAWS: typeof DRAWS = [
  [
    6,
    (random) => ({
      do: "talk",
      fault:
        random() < 0.5
          ? null
          : {
              kind: pick(random, ["500", "502", "404", "empty", "one-page", "reset", "lost", "html", "stale"]),
              times: 1 + below(random, 4),
            },
    }),
  ],
  [2, (random) => ({ do: "git fault", kind: pick(random, ["500", "503", "empty", "reset", "html", "404"]) })],
];

const REAL_DRAWS: typeof DRAWS = [[5, (random) => ({ do: "real worker", killAfterMs: 50 + below(random, 900) })]];

/** Every fourth history has its catalog at GitHub's stand-in, with pull requests and comments. */
export const isHosted = (seed: number): boolean => seed % 4 === 0;

export function historyOf(seed: number, { steps, realProcesses }: HistoryOptions): readonly Step[] {
  const random = prng("simulate", seed);
  const draws = [...DRAWS, ...(isHosted(seed) ? HOSTED_DRAWS : []), ...(realProcesses ? REAL_DRAWS : [])];
  const total = draws.reduce((sum, [weight]) => sum + weight, 0);
  return Array.from({ length: steps }, () => {
    let left = random() * total;
    for (const [weight, draw] of draws) {
      left -= weight;
      if (left < 0) return draw(random);
    }
    return { do: "hurry" };
  });
}
