import { parseArgs } from "node:util";

/** What a soak is to find out by itself: that it would notice. */
export type Plant = "leak" | "lost-lease";

export interface SoakSettings {
  /** How many labs there are at any time. */
  readonly labs: number;
  /** How long they churn once the first of them were made. */
  readonly churnMs: number;
  /** Or until so many jobs are done, if that is sooner; null: time alone counts. */
  readonly jobs: number | null;
  readonly workers: number;
  /** Places of one worker; a quarter as many more are for destroys alone. */
  readonly concurrency: number;
  /** Labs that one second changes. */
  readonly changesPerSecond: number;
  readonly leaseSeconds: number;
  /** A killed worker's leases end at once, as time would end them: for soaks of seconds. */
  readonly endsLeasesOfKilled: boolean;
  /** Between two kills of a worker; the other faults come in proportion. Null: only the cloud fails. */
  readonly faultEveryMs: number | null;
  readonly sampleEveryMs: number;
  /** Memory is flat unless it certainly grows by more, MiB an hour. */
  readonly limit: number;
  readonly seed: number;
  readonly planted: readonly Plant[];
}

/** One lives and runs throughout, one is paused, the others are killed. */
const FEWEST_WORKERS = 3;
const PLANTS: readonly Plant[] = ["leak", "lost-lease"];

export const USAGE = `npm run soak -- [options]

  --labs N          how many labs there are at any time (2000)
  --minutes M       how long they churn once the first of them were made (10)
  --jobs N          end the churn sooner, when so many jobs are done
  --workers N       worker processes, at least ${FEWEST_WORKERS} (${FEWEST_WORKERS})
  --concurrency N   places of one worker (20)
  --changes N       labs that are added, edited or removed in one second (10)
  --lease SECONDS   how long a lease lasts; a killed worker's jobs wait for that (60)
  --faults SECONDS  between two kills of a worker, the other faults in proportion; 0: only the cloud fails (60)
  --limit MIB       memory that certainly grows by more MiB an hour fails the soak (30)
  --seed N          which labs change, and the cloud's luck (1)
  --plant WHAT      ${PLANTS.join(" or ")}: a defect that the soak has to find, to see that it would
`;

function number(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw new TypeError(`${option} ${text}: a number from ${least} to ${most} is needed`);
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = number(option, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new TypeError(`${option} ${text}: a whole number is needed`);
}

function plant(text: string): Plant {
  const found = PLANTS.find((each) => each === text);
  if (found === undefined) throw new TypeError(`--plant ${text}: ${PLANTS.join(" or ")} is needed`);
  return found;
}

/** @throws a TypeError that says what is wrong with the arguments */
export function settingsFrom(argv: readonly string[]): SoakSettings | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      labs: { type: "string", default: "2000" },
      minutes: { type: "string", default: "10" },
      jobs: { type: "string" },
      workers: { type: "string", default: String(FEWEST_WORKERS) },
      concurrency: { type: "string", default: "20" },
      changes: { type: "string", default: "10" },
      lease: { type: "string", default: "60" },
      faults: { type: "string", default: "60" },
      limit: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      plant: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const faults = number("--faults", values.faults, 0, 86_400);
  return {
    labs: whole("--labs", values.labs, 1, 100_000),
    churnMs: number("--minutes", values.minutes, 0.01, 10_000) * 60_000,
    jobs: values.jobs === undefined ? null : whole("--jobs", values.jobs, 1, 1e9),
    workers: whole("--workers", values.workers, FEWEST_WORKERS, 64),
    concurrency: whole("--concurrency", values.concurrency, 1, 1_000),
    changesPerSecond: number("--changes", values.changes, 0.1, 10_000),
    leaseSeconds: number("--lease", values.lease, 1, 3_600),
    endsLeasesOfKilled: false,
    faultEveryMs: faults === 0 ? null : faults * 1_000,
    sampleEveryMs: 5_000,
    limit: number("--limit", values.limit, 0, 1e9),
    seed: whole("--seed", values.seed, 0, 2 ** 31),
    planted: values.plant.map(plant),
  };
}
