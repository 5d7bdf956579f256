/** `npm run bench`: measures labkeeper, prints a table, and with --json writes the same as JSON. See docs/benchmarks.md. */

import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import type { Figure, Report, Skipped } from "./figures.ts";
import { isMet } from "./figures.ts";
import { type BenchmarkName, type Settings, settingsFrom, USAGE } from "./settings.ts";
import { shown, tableOf } from "./table.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

type Benchmark = (workplace: Workplace, settings: Settings, report: Report) => Promise<void>;

/** Loaded one by one, so that what one of them imports is not in another's memory. */
const benchmarks: Record<BenchmarkName, () => Promise<Benchmark>> = {
  plan: async () => (await import("./plan.ts")).benchPlan,
  validate: async () => (await import("./validate.ts")).benchValidate,
  commands: async () => (await import("./commands.ts")).benchCommands,
  action: async () => (await import("./action.ts")).benchAction,
  queue: async () => (await import("./queue.ts")).benchQueue,
  makespan: async () => (await import("./makespan.ts")).benchMakespan,
};

function parsed(): Settings | null {
  try {
    const settings = settingsFrom(process.argv.slice(2), process.env);
    if (settings !== "help") return settings;
    console.log(USAGE);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return null;
}

/** Of the last minute: what others did on this machine before, and the benchmark and others in its course. */
const load1 = (): number => Math.round((loadavg()[0] ?? 0) * 10) / 10;

async function main(settings: Settings): Promise<void> {
  const figures: Figure[] = [];
  const skipped: Skipped[] = [];
  const report: Report = {
    figure: (figure) => {
      figures.push(figure);
      console.error(`  ${figure.name}: ${shown(figure.value)} ${figure.unit}`);
    },
    skip: (name, why) => skipped.push({ name, why }),
    step: (text) => console.error(`… ${text}`),
  };
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const loadBefore = load1();
  console.error(`${machine}; load ${loadBefore} before it begins`);
  await withWorkplace(async (workplace) => {
    for (const name of settings.only) {
      try {
        await (await benchmarks[name]())(workplace, settings, report);
      } catch (error) {
        // What was measured before is still told.
        console.error(error);
        report.skip(`the rest of ${name}`, error instanceof Error ? error.message : String(error));
        process.exitCode = 1;
      }
    }
  });
  const load = `load ${loadBefore} before, ${load1()} at the end`;
  console.log(`${tableOf(figures, skipped)}\n\n${machine}; ${load}`);
  if (settings.json === null) return;
  const json = { machine, load, figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })), skipped };
  writeFileSync(settings.json, `${JSON.stringify(json, null, 2)}\n`);
}

const settings = parsed();
if (settings !== null) await main(settings);
