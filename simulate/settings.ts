import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { freshSeed, SEEDS } from "./fresh-seed.ts";

/** Seeds that count up from one. */
export interface Series {
  readonly name: "chosen" | "fresh";
  /** The first run's. */
  readonly seed: number;
  /** At most so many. */
  readonly runs: number;
}

export interface Settings {
  readonly series: readonly Series[];
  /** A history in a file, played instead of what seeds give, so many times. */
  readonly replay: { readonly file: string; readonly runs: number } | null;
  /** Where failing histories go. */
  readonly save: string | null;
  /** No new run begins after this time. */
  readonly budgetMs: number;
  readonly steps: number;
  /** Every so manieth run of a series has workers in processes of their own; 0: none. */
  readonly realEvery: number;
  /** Runs side by side. */
  readonly parallel: number;
  readonly shrinkMs: number;
}

export const USAGE = `npm run simulate -- [options]

  --seed N         the first run's seed; the next runs count up from it (default: drawn)
  --runs K         so many runs (20)
  --fresh K        so many runs of seeds that are other ones for each content of the repository, after those of --seed and
                   --runs if these are given; as many as the time allows
  --replay FILE    the history in this file, --runs times (1)
  --save FOLDER    write the simplest history that was found of each failing seed there, as seed-N.json
  --hours H        go on until this time is over, whatever --runs or --fresh say
  --minutes M      begin no run after this time (60)
  --steps S        steps of one history (40)
  --real K         every Kth run also has workers in processes of their own, killed with -9; 0 for none (10)
  --parallel N     runs side by side, each in a process of its own (one more than there are processors)
  --shrink SECONDS how long to look for a simpler history that fails too, for each seed that fails (120)
`;

const MOST = 1_000_000;

function count(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`${option} ${text}: a whole number from ${least} to ${most} is needed`);
}

function time(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 10_000) return value;
  throw new TypeError(`${option} ${text}: a number above 0 is needed`);
}

interface Chosen {
  readonly seed?: string | undefined;
  readonly runs?: string | undefined;
  readonly fresh?: string | undefined;
  readonly hours?: string | undefined;
}

/** The chosen seeds come first: whether the time is over for fresh ones never decides about them. */
function seriesOf({ seed, runs, fresh, hours }: Chosen): readonly Series[] {
  const chosen: Series = {
    name: "chosen",
    seed: seed === undefined ? randomInt(SEEDS) : count("--seed", seed, 0, SEEDS - 1),
    runs: count("--runs", runs ?? "20", 1, MOST),
  };
  const all: Series[] = fresh === undefined || seed !== undefined || runs !== undefined ? [chosen] : [];
  if (fresh !== undefined) all.push({ name: "fresh", seed: freshSeed(), runs: count("--fresh", fresh, 1, MOST) });
  if (hours === undefined) return all;
  return all.map((series, index) =>
    index === all.length - 1 ? { ...series, runs: Number.POSITIVE_INFINITY } : series,
  );
}

/** Throws a TypeError that says what is wrong with the arguments. */
export function settingsFrom(argv: readonly string[]): Settings | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: "string" },
      runs: { type: "string" },
      fresh: { type: "string" },
      replay: { type: "string" },
      save: { type: "string" },
      hours: { type: "string" },
      minutes: { type: "string", default: "60" },
      steps: { type: "string", default: "40" },
      real: { type: "string", default: "10" },
      parallel: { type: "string", default: String(Math.min(64, availableParallelism() + 1)) },
      shrink: { type: "string", default: "120" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const { hours, replay, runs, seed, fresh } = values;
  if (replay !== undefined && (seed ?? fresh ?? hours) !== undefined)
    throw new TypeError("--replay plays what is in the file: no --seed, --fresh or --hours goes with it");
  return {
    series: replay === undefined ? seriesOf(values) : [],
    replay: replay === undefined ? null : { file: replay, runs: count("--runs", runs ?? "1", 1, MOST) },
    save: values.save ?? null,
    budgetMs: hours === undefined ? time("--minutes", values.minutes) * 60_000 : time("--hours", hours) * 3_600_000,
    steps: count("--steps", values.steps, 1, 10_000),
    realEvery: count("--real", values.real, 0, MOST),
    parallel: count("--parallel", values.parallel, 1, 64),
    shrinkMs: count("--shrink", values.shrink, 0, 3_600) * 1_000,
  };
}
