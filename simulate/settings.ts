import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export interface Settings {
  /** The first run's; the others count up from it. */
  readonly seed: number;
  /** At most so many runs. */
  readonly runs: number;
  /** No new run begins after this time. */
  readonly budgetMs: number;
  readonly steps: number;
  /** Every so manieth run has workers in processes of their own; 0: none. */
  readonly realEvery: number;
  /** Only these steps of the history, by index; null: all. */
  readonly keep: readonly number[] | null;
  /** Runs side by side. */
  readonly parallel: number;
  readonly shrinkMs: number;
}

export const USAGE = `npm run simulate -- [options]

  --seed N         the first run's seed; the next runs count up from it (default: drawn)
  --runs K         so many runs (20)
  --hours H        go on until this time is over, whatever --runs says
  --minutes M      begin no run after this time (60)
  --steps S        steps of one history (40)
  --real K         every Kth run also has workers in processes of their own, killed with -9; 0 for none (10)
  --keep I,I,I     only these steps of the history, as a failing run prints them
  --parallel N     runs side by side (2)
  --shrink SECONDS how long to look for a shorter history that fails too (120)
`;

const MAX_SEED = 2 ** 31;

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

/** Throws a TypeError that says what is wrong with the arguments. */
export function settingsFrom(argv: readonly string[]): Settings | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: "string" },
      runs: { type: "string", default: "20" },
      hours: { type: "string" },
      minutes: { type: "string", default: "60" },
      steps: { type: "string", default: "40" },
      real: { type: "string", default: "10" },
      keep: { type: "string" },
      parallel: { type: "string", default: "2" },
      shrink: { type: "string", default: "120" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const { hours, keep, seed } = values;
  return {
    seed: seed === undefined ? randomInt(MAX_SEED) : count("--seed", seed, 0, MAX_SEED),
    runs: hours === undefined ? count("--runs", values.runs, 1, 1_000_000) : Number.POSITIVE_INFINITY,
    budgetMs: hours === undefined ? time("--minutes", values.minutes) * 60_000 : time("--hours", hours) * 3_600_000,
    steps: count("--steps", values.steps, 1, 10_000),
    realEvery: count("--real", values.real, 0, 1_000_000),
    keep: keep === undefined ? null : keep.split(",").map((text) => count("--keep", text, 0, 10_000)),
    parallel: count("--parallel", values.parallel, 1, 64),
    shrinkMs: count("--shrink", values.shrink, 0, 3_600) * 1_000,
  };
}
