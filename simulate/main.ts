/** `npm run simulate`: seeded histories with faults against the real stories. See docs/reliability.md. */

import { type HistoryOptions, historyOf, type Step } from "./history.ts";
import { play, type Ran } from "./run.ts";
import { type NewDatabase, startServer } from "./server.ts";
import { type Settings, settingsFrom, USAGE } from "./settings.ts";
import { shrink } from "./shrink.ts";

interface Total {
  runs: number;
  failed: number;
  steps: number;
  readonly faults: Map<string, number>;
}

const optionsOf = ({ steps, realEvery }: Settings, index: number): HistoryOptions => ({
  steps,
  realProcesses: realEvery > 0 && (index + 1) % realEvery === 0,
});

const repeatOf = (seed: number, { steps, realProcesses }: HistoryOptions, keep: readonly number[] | null): string =>
  `npm run simulate -- --seed ${seed} --runs 1 --steps ${steps} --real ${realProcesses ? 1 : 0}${keep === null ? "" : ` --keep ${keep.join(",")}`}`;

const shown = (step: Step): string => JSON.stringify(step);

async function explain(
  seed: number,
  options: HistoryOptions,
  { violation, at }: Ran,
  settings: Settings,
  newDatabase: NewDatabase,
): Promise<void> {
  console.log(`\nseed ${seed}: ${violation?.message}\n  after ${at === null ? "everything was mended" : shown(at)}`);
  console.log(`  repeat: ${repeatOf(seed, options, settings.keep)}`);
  if (settings.keep !== null || settings.shrinkMs === 0) return;
  const steps = historyOf(seed, options);
  const until = performance.now() + settings.shrinkMs;
  const fails = async (part: readonly Step[]): Promise<boolean> =>
    (await play(seed, part, newDatabase)).violation?.promise === violation?.promise;
  const kept = await shrink(steps, fails, () => performance.now() > until);
  if (kept.length === steps.length) return;
  console.log(`  the shortest that failed too has ${kept.length} steps: ${repeatOf(seed, options, kept)}`);
  for (const index of kept) console.log(`    ${index} ${shown(steps[index] as Step)}`);
}

function add(total: Total, ran: Ran): void {
  total.runs += 1;
  total.steps += ran.steps;
  if (ran.violation !== null) total.failed += 1;
  for (const [kind, count] of ran.faults) total.faults.set(kind, (total.faults.get(kind) ?? 0) + count);
}

function tell({ runs, failed, steps, faults }: Total, seconds: number): void {
  const sorted = [...faults].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = sorted.reduce((sum, [, count]) => sum + count, 0);
  console.log(`\n${runs} runs, ${steps} steps, ${all} faults in ${Math.round(seconds)} s; lost = ${failed}`);
  console.log(`faults: ${sorted.map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  console.log(`${runs - failed} passed, ${failed} failed`);
}

async function main(settings: Settings): Promise<void> {
  const startedAt = performance.now();
  const total: Total = { runs: 0, failed: 0, steps: 0, faults: new Map() };
  console.log(`seeds from ${settings.seed}, ${settings.steps} steps each`);
  await using server = await startServer();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < settings.runs && performance.now() - startedAt < settings.budgetMs) {
      const index = next;
      next += 1;
      const seed = settings.seed + index;
      const options = optionsOf(settings, index);
      const all = historyOf(seed, options);
      const steps = settings.keep === null ? all : settings.keep.flatMap((at) => all[at] ?? []);
      const ran = await play(seed, steps, server.database);
      add(total, ran);
      if (ran.violation !== null) await explain(seed, options, ran, settings, server.database);
      else if (total.runs % 20 === 0) console.log(`${total.runs} runs …`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(settings.parallel, settings.runs) }, lane));
  tell(total, (performance.now() - startedAt) / 1000);
  process.exitCode = total.failed === 0 && total.runs > 0 ? 0 : 1;
}

try {
  const settings = settingsFrom(process.argv.slice(2));
  if (settings === "help") console.log(USAGE);
  else await main(settings);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
