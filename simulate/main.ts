/** `npm run simulate`: seeded histories with faults against the real stories. See docs/reliability.md. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type History, type HistoryOptions, historyOf } from "./history.ts";
import { openLanes, type Play } from "./lanes.ts";
import { readRegression, regressionText } from "./regression.ts";
import type { Ran } from "./run.ts";
import { type Settings, settingsFrom, USAGE } from "./settings.ts";
import { simplest } from "./simplest.ts";
import { type LeftOut, type Total, totalOf } from "./total.ts";

interface Planned {
  readonly history: History;
  readonly repeat: string;
}

function seeded(seed: number, index: number, { steps, realEvery }: Settings): Planned {
  const options: HistoryOptions = { steps, realProcesses: realEvery > 0 && (index + 1) % realEvery === 0 };
  const real = options.realProcesses ? 1 : 0;
  return {
    history: historyOf(seed, options),
    repeat: `npm run simulate -- --seed ${seed} --runs 1 --steps ${steps} --real ${real}`,
  };
}

interface Batch {
  /** Null: a file's. */
  readonly series: LeftOut["series"] | null;
  readonly runs: number;
  readonly planned: (index: number) => Planned;
}

function batchesOf(settings: Settings): readonly Batch[] {
  const { replay, series } = settings;
  if (replay === null)
    return series.map(({ name, seed, runs }) => ({
      series: name,
      runs,
      planned: (index) => seeded(seed + index, index, settings),
    }));
  const history = readRegression(replay.file);
  return [
    {
      series: null,
      runs: replay.runs,
      planned: () => ({ history, repeat: `npm run simulate -- --replay ${replay.file}` }),
    },
  ];
}

const after = ({ steps }: History, ran: Ran): string => {
  const at = steps[ran.steps];
  return at === undefined ? "everything was mended" : JSON.stringify(at);
};

/** Tells of a failing history, looks for the simplest that fails too, and keeps that. */
async function explain({ history, repeat }: Planned, ran: Ran, settings: Settings, play: Play): Promise<void> {
  const { seed } = history;
  console.log(`\nseed ${seed}: ${ran.violation?.message}\n  after ${after(history, ran)}\n  repeat: ${repeat}`);
  const until = performance.now() + settings.shrinkMs;
  const found = await simplest(history, ran, play, () => performance.now() >= until);
  const why = found.ran.violation?.message.split("\n", 1)[0] ?? "";
  const text = regressionText({ why, ...found.history });
  const name = `seed-${seed}.json`;
  console.log(
    `\nseed ${seed}: the simplest that failed too has ${found.history.steps.length} of ${history.steps.length} steps`,
  );
  if (settings.save === null) console.log(`  as test/simulate/regressions/${name} it becomes a test:\n${text}`);
  else {
    mkdirSync(settings.save, { recursive: true });
    writeFileSync(join(settings.save, name), text);
    console.log(`  kept as ${join(settings.save, name)}: npm run simulate -- --replay ${join(settings.save, name)}`);
  }
}

const AGAIN = 2;
/** What was seen to be broken once is broken, however rarely. */
const SAFETY = /^P([1-5]|8|9|11)$/;

/**
 * A verdict by a clock may be the machine's doing: it has to come once more in two tries. So has a defect that is none of a
 * promise on a fresh seed, which gates a merge before anybody saw it. What fails once is told with its command all the same.
 */
async function judged({ history, repeat }: Planned, isFresh: boolean, play: Play): Promise<Ran> {
  let ran = await play(history);
  const first = ran.violation;
  if (first === null || SAFETY.test(first.promise) || (first.promise !== "P6" && !isFresh)) return ran;
  console.log(`\nseed ${history.seed}: ${first.message}\n  repeat: ${repeat}\n  played again, to see whether it lasts`);
  for (let tries = 0; tries < AGAIN; tries++) {
    ran = await play(history);
    if (ran.violation !== null) return ran;
  }
  console.log(`seed ${history.seed}: failed once in ${1 + AGAIN}; look at it`);
  return ran;
}

/** Answers what the time did not suffice for. */
async function playAll(batches: readonly Batch[], settings: Settings, play: Play, total: Total): Promise<LeftOut[]> {
  const startedAt = performance.now();
  const isTimeUp = (): boolean => performance.now() - startedAt >= settings.budgetMs;
  const leftOut: LeftOut[] = [];
  const under = new Set<Promise<void>>();
  const run = async (planned: Planned, isFresh: boolean): Promise<void> => {
    const ran = await judged(planned, isFresh, play);
    total.add(ran);
    if (ran.violation !== null) await explain(planned, ran, settings, play);
    else if (total.runs() % 20 === 0)
      console.log(`${total.runs()} runs in ${Math.round((performance.now() - startedAt) / 1000)} s …`);
  };
  for (const { series, runs, planned } of batches) {
    let begun = 0;
    while (begun < runs && !isTimeUp()) {
      const running: Promise<void> = run(planned(begun), series === "fresh").finally(() => under.delete(running));
      under.add(running);
      begun += 1;
      while (under.size >= settings.parallel) await Promise.race(under);
    }
    if (begun < runs && Number.isFinite(runs))
      leftOut.push({ series: series ?? "chosen", planned: runs, count: runs - begun });
  }
  await Promise.all(under);
  return leftOut;
}

async function main(settings: Settings): Promise<void> {
  const startedAt = performance.now();
  const batches = batchesOf(settings);
  for (const { name, seed, runs } of settings.series)
    console.log(
      `${name} seeds from ${seed}, ${runs} runs of ${settings.steps} steps each, ${settings.parallel} side by side`,
    );
  const total = totalOf();
  await using lanes = openLanes(settings.parallel);
  const leftOut = await playAll(batches, settings, lanes.play, total);
  for (const line of ["", ...total.lines((performance.now() - startedAt) / 1000, leftOut)]) console.log(line);
  process.exitCode = total.exitCode(leftOut);
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
