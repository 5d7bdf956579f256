import { parseArgs } from "node:util";

export const BENCHMARKS = ["plan", "validate", "commands", "action", "queue", "makespan"] as const;
export type BenchmarkName = (typeof BENCHMARKS)[number];

export interface Settings {
  readonly only: readonly BenchmarkName[];
  /** Where the figures go as JSON; null: nowhere. */
  readonly json: string | null;
  /** Sizes of catalogs and databases, ascending. */
  readonly labs: readonly number[];
  /** At most this many samples of one figure. */
  readonly runs: number;
  /** No new sample of one figure after this time. */
  readonly budgetMs: number;
  /** At most this many jobs through the queue in one run. */
  readonly jobs: number;
  readonly makespanLabs: number;
  /** Folder in whose node_modules other queues are; null: they are left out. */
  readonly peers: string | null;
  /** Files that terraform plans; 0 leaves it out. */
  readonly terraformFiles: number;
}

export const USAGE = `npm run bench -- [options]

  --only NAME        run only this benchmark, repeatable: ${BENCHMARKS.join(", ")}
  --json FILE        write the figures as JSON too
  --labs N,N         sizes of catalogs and databases (1000,10000)
  --runs N           samples of one figure, at most (5)
  --budget SECONDS   no new sample of one figure after this time (20)
  --jobs N           jobs through the queue in one run, at most (10000)
  --makespan-labs N  simulated labs (500)
  --terraform N      files that terraform plans, when it is on PATH; 0 for none (1000)
  --peers FOLDER     folder with graphile-worker and pg-boss installed (LABKEEPER_BENCH_PEERS)
`;

const MAX_LABS = 100_000;

/** Throws a TypeError that says what is wrong with the arguments. */
export function settingsFrom(argv: readonly string[], env: NodeJS.ProcessEnv): Settings | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string", multiple: true, default: [...BENCHMARKS] },
      json: { type: "string" },
      labs: { type: "string", default: "1000,10000" },
      runs: { type: "string", default: "5" },
      budget: { type: "string", default: "20" },
      jobs: { type: "string", default: "10000" },
      "makespan-labs": { type: "string", default: "500" },
      terraform: { type: "string", default: "1000" },
      peers: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  return {
    only: values.only.map(benchmarkName),
    json: values.json ?? null,
    labs: values.labs
      .split(",")
      .map((text) => count("--labs", text, 1, MAX_LABS))
      .sort((a, b) => a - b),
    runs: count("--runs", values.runs, 1, 1_000),
    budgetMs: count("--budget", values.budget, 1, 3_600) * 1_000,
    jobs: count("--jobs", values.jobs, 1, MAX_LABS),
    makespanLabs: count("--makespan-labs", values["makespan-labs"], 1, MAX_LABS),
    peers: values.peers ?? env["LABKEEPER_BENCH_PEERS"] ?? null,
    terraformFiles: count("--terraform", values.terraform, 0, MAX_LABS),
  };
}

function benchmarkName(text: string): BenchmarkName {
  const found = BENCHMARKS.find((name) => name === text);
  if (found === undefined) throw new TypeError(`--only ${text}: there are ${BENCHMARKS.join(", ")}`);
  return found;
}

function count(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`${option} ${text}: a whole number from ${least} to ${most} is needed`);
}
