/** Histories: what people, git, clouds and machines do, as plain data drawn from a seed. The same seed, the same history. */

import fc from "fast-check";
import type { JsonObject } from "../src/core/types.ts";
import type { LabChange } from "../test/promises/files.ts";
import { drawnAs, oneOf, sometimes, wholeNumberOf } from "./drawn-as.ts";
import type { Fate } from "./fate.ts";
import { janitorFate, realProcess, reconcilerFate, workerFate } from "./fate-draws.ts";
import { DELIVERY_FAULTS, type DeliveryFault, GIT_FAULTS, GITHUB_FAULTS, RESTARTS, type Restart } from "./faults.ts";
import type { RealProcess } from "./real-processes.ts";

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
  /** Workers, reconcilers and janitors in processes of their own, killed with -9. */
  | { readonly do: "real processes"; readonly processes: readonly RealProcess[] }
  /** Processes of every kind side by side. */
  | {
      readonly do: "all at once";
      readonly reconcilers: readonly (readonly Fate[])[];
      readonly workers: readonly (readonly Fate[])[];
      readonly janitors: readonly (readonly Fate[])[];
    }
  | { readonly do: "janitor"; readonly fates: readonly Fate[] }
  /** A round on pull requests, with what GitHub does to it. */
  | { readonly do: "talk"; readonly fault: { readonly kind: string; readonly times: number } | null }
  | { readonly do: "git fault"; readonly kind: string }
  /** What happens to GitHub's next deliveries. */
  | { readonly do: "webhook fault"; readonly kind: DeliveryFault; readonly times: number }
  /** Who was told to look does so. */
  | { readonly do: "bell" }
  | { readonly do: "database restart"; readonly how: Restart }
  | { readonly do: "approve"; readonly nth: number; readonly comment: boolean }
  | { readonly do: "cancel"; readonly lab: string; readonly comment: boolean }
  | { readonly do: "retry"; readonly lab: string; readonly comment: boolean }
  | { readonly do: "hurry" }
  | { readonly do: "hours pass"; readonly hours: number }
  /** The hosts' own clocks, not the database's. */
  | { readonly do: "clock jump"; readonly hours: number }
  | { readonly do: "weather"; readonly weather: JsonObject };

export interface History {
  /** The luck of clouds and machines. */
  readonly seed: number;
  /** The catalog is at GitHub's stand-in, with pull requests and comments. */
  readonly hosted: boolean;
  readonly steps: readonly Step[];
}

export interface HistoryOptions {
  readonly steps: number;
  /** Workers in processes of their own, killed with -9. */
  readonly realProcesses: boolean;
}

type Fields<Kind extends Step["do"]> = Omit<Extract<Step, { readonly do: Kind }>, "do">;
type Draw = fc.WeightedArbitrary<Step> & { readonly kind: Step["do"] };

/** A kind of step, as likely as its weight says. Its fields shrink, each to what its arbitrary calls simplest. */
const draw = <Kind extends Step["do"]>(
  weight: number,
  kind: Kind,
  fields: { [Field in keyof Fields<Kind>]: fc.Arbitrary<Fields<Kind>[Field]> },
): Draw => ({
  kind,
  weight,
  arbitrary: fc.record(
    { do: fc.constant(kind), ...fields },
    { noNullPrototype: true },
  ) as fc.Arbitrary<unknown> as fc.Arbitrary<Step>,
});

const lab = oneOf(...NAMES);
const yesOrNo = fc.boolean();
const below = (bound: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: bound - 1 });

const file: fc.Arbitrary<LabChange> = fc.record(
  {
    team: oneOf("team-a", "team-a", "team-b"),
    ending: oneOf("yaml", "yml"),
    spec: fc.record(
      { profile: oneOf("quick", "quick", "graceful"), workers: below(5), ttlHours: oneOf(24, 48, 72) },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
);

const STORM: JsonObject = {
  failureRate: { prepare: 0.1, install: 0.3, verify: 0.2, update: 0.3, destroy: 0.2, observe: 0.1 },
  permanentFailureRate: { install: 0.1, update: 0.1, destroy: 0.2 },
  lies: { installedNothing: 0.2, residue: 0.5, unknown: 0.4 },
};
const HANGS: JsonObject = { hangRate: { install: 0.3, destroy: 0.3, observe: 0.1, update: 0.3 } };
const LIARS: JsonObject = { lies: { installedNothing: 0.5, residue: 0.6, unknown: 0.6 } };

const tenth = fc.integer({ min: 0, max: 10 }).map(
  (tenths) => tenths / 10,
  (rate) => Math.round(Number(rate) * 10),
);
/** Any part of any weather: rates that did not matter go one by one. */
const anyWeather: fc.Arbitrary<JsonObject> = fc.dictionary(
  oneOf("failureRate", "permanentFailureRate", "hangRate", "lies"),
  fc.dictionary(
    oneOf("prepare", "install", "verify", "update", "destroy", "observe", "installedNothing", "residue", "unknown"),
    tenth,
    { noNullPrototype: true },
  ),
  { noNullPrototype: true },
);

const reconcilerFates = sometimes(35, reconcilerFate);
const workerFates = sometimes(70, workerFate);
const janitorFates = sometimes(50, janitorFate);
/** Drawn are some; which of them mattered shows when they may all go. */
const atLeastOne = <T>(each: fc.Arbitrary<T>, most: number): fc.Arbitrary<T[]> =>
  drawnAs<T[]>(
    fc.array(each, { minLength: 1, maxLength: most, size: "max" }),
    fc.array(each, { maxLength: most, size: "max" }),
  );

const DRAWS: readonly Draw[] = [
  draw(10, "write", { lab, file }),
  draw(7, "edit", { lab, workers: below(5) }),
  draw(2, "flag", { lab, field: oneOf("protect", "suspend"), on: yesOrNo }),
  draw(7, "remove", {
    labs: drawnAs<readonly string[]>(
      fc.oneof({ weight: 15, arbitrary: fc.constant(NAMES) }, { weight: 85, arbitrary: fc.tuple(lab) }),
      fc.uniqueArray(lab, { maxLength: NAMES.length, size: "max" }),
    ),
  }),
  draw(2, "rename", { lab, to: lab }),
  draw(2, "break", { lab, how: below(4) }),
  draw(2, "duplicate", { lab }),
  draw(2, "revert", {}),
  draw(1, "force-push", { back: fc.integer({ min: 1, max: 3 }) }),
  draw(1, "rewrite", {}),
  draw(1, "policy", { broken: yesOrNo }),
  draw(10, "reconcile", {
    processes: drawnAs<readonly (readonly Fate[])[]>(
      fc.oneof(
        { weight: 80, arbitrary: fc.tuple(reconcilerFates) },
        { weight: 20, arbitrary: fc.tuple(reconcilerFates, reconcilerFates) },
      ),
      atLeastOne(reconcilerFates, 2),
    ),
  }),
  draw(1, "dry-run", {}),
  draw(20, "work", { processes: atLeastOne(workerFates, 3) }),
  draw(4, "janitor", { fates: janitorFates }),
  draw(9, "all at once", {
    reconcilers: atLeastOne(reconcilerFates, 2),
    workers: atLeastOne(workerFates, 3),
    janitors: atLeastOne(janitorFates, 2),
  }),
  draw(1, "database restart", { how: oneOf(...RESTARTS) }),
  draw(1, "hurry", {}),
  draw(4, "approve", { nth: below(8), comment: yesOrNo }),
  draw(3, "cancel", { lab, comment: yesOrNo }),
  draw(2, "retry", { lab, comment: yesOrNo }),
  draw(3, "hours pass", { hours: wholeNumberOf(1, 1, 5, 11, 25) }),
  draw(1, "clock jump", { hours: wholeNumberOf(0, -48, -1, 1, 48, 24 * 365) }),
  draw(6, "weather", { weather: drawnAs(oneOf(STORM, STORM, HANGS, LIARS, {}, {}), anyWeather) }),
];

const HOSTED_DRAWS: readonly Draw[] = [
  draw(6, "talk", {
    fault: fc.option(
      fc.record(
        {
          kind: oneOf(...GITHUB_FAULTS),
          times: fc.integer({ min: 1, max: 4 }),
        },
        { noNullPrototype: true },
      ),
      { freq: 2 },
    ),
  }),
  draw(5, "git fault", { kind: oneOf(...GIT_FAULTS) }),
  draw(10, "bell", {}),
  draw(6, "webhook fault", { kind: oneOf(...DELIVERY_FAULTS), times: fc.integer({ min: 1, max: 4 }) }),
];

const REAL_DRAWS: readonly Draw[] = [draw(5, "real processes", { processes: atLeastOne(realProcess, 3) })];

const stepOf = (draws: readonly Draw[]): fc.Arbitrary<Step> => fc.oneof(...draws);

const EVERY_DRAW = [...DRAWS, ...HOSTED_DRAWS, ...REAL_DRAWS];

/** Every kind of step there is; shrinks one that came from anywhere, a file for instance. */
export const anyStep: fc.Arbitrary<Step> = stepOf(EVERY_DRAW);
export const KINDS: ReadonlySet<Step["do"]> = new Set(EVERY_DRAW.map(({ kind }) => kind));

/** Every fourth history has its catalog at GitHub's stand-in. */
const isHosted = (seed: number): boolean => seed % 4 === 0;

/** There has to be something that can be lost. */
const BEGINNING = fc.tuple(
  ...NAMES.slice(0, 3).map((name) => draw(1, "write", { lab: fc.constant(name), file }).arbitrary),
);

/** The seed's history. Draws without bias: every value as likely as its weight says, the first run as the thousandth. */
export function historyOf(seed: number, { steps, realProcesses }: HistoryOptions): History {
  const hosted = isHosted(seed);
  const step = stepOf([...DRAWS, ...(hosted ? HOSTED_DRAWS : []), ...(realProcesses ? REAL_DRAWS : [])]);
  const drawn = fc.tuple(BEGINNING, fc.array(step, { minLength: steps, maxLength: steps, size: "max" }));
  const [sampled] = fc.sample(drawn, { seed, numRuns: 1, unbiased: true });
  return { seed, hosted, steps: (sampled?.flat() ?? []).slice(0, steps) };
}
