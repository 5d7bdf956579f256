/** What each step of a history does to a simulation. One that does not fit the moment does nothing. */

import type { LabkeeperError } from "../src/errors.ts";
import { catalogFile, type LabChange, labPath, labText } from "../test/promises/files.ts";
import { pathsOf } from "./catalog.ts";
import { cycle, janitor, janitors } from "./cycle.ts";
import type { Fate } from "./fate.ts";
import { NAMES, type Step } from "./history.ts";
import { expectKept, keptLabs } from "./invariants.ts";
import { isBusy, labour } from "./labour.ts";
import { realProcesses } from "./real-processes.ts";
import { GUARDS, type Simulation } from "./simulation.ts";
import { tolerated } from "./tolerated.ts";
import { Violation } from "./violation.ts";

type Of<Kind extends Step["do"]> = Extract<Step, { readonly do: Kind }>;
type Entries = Parameters<Simulation["model"]["commit"]>[0];

const noFile = (lab: string): Entries => Object.fromEntries(pathsOf(lab).map((path) => [path, null]));
const entry = (lab: string, change: LabChange): Entries => ({
  [labPath(lab, change)]: { text: labText(lab, change), change },
});

export function write(sim: Simulation, lab: string, change: LabChange): void {
  sim.model.commit({ ...noFile(lab), ...entry(lab, change) });
}

export const remove = (sim: Simulation, labs: readonly string[]): void =>
  sim.model.commit(Object.assign({}, ...labs.map(noFile)) as Entries);

/** Those that have a file; where none has, the first that does. */
const present = (sim: Simulation, labs: readonly string[]): readonly string[] => {
  const all = NAMES.filter((name) => sim.model.wanted(name) !== undefined);
  const named = all.filter((name) => labs.includes(name));
  return named.length > 0 ? named : all.slice(0, 1);
};

const edit = (sim: Simulation, lab: string, spec: LabChange["spec"]): void => {
  const file = sim.model.wanted(lab);
  if (file) write(sim, lab, { ...file, spec: { ...file.spec, ...spec } });
};

function breakFile(sim: Simulation, { lab, how }: Of<"break">): void {
  const texts = ["metadata: [", "", labText("other"), labText(lab, { spec: { workers: 99 } })];
  const { team = "team-a" } = sim.model.wanted(lab) ?? {};
  sim.model.commit({ ...noFile(lab), [labPath(lab, { team })]: { text: texts[how] ?? "", change: null } });
}

function rename(sim: Simulation, { lab, to }: Of<"rename">): void {
  const file = sim.model.wanted(lab);
  if (file && lab !== to) sim.model.commit({ ...noFile(lab), ...noFile(to), ...entry(to, file) });
}

/** Commands that people give in error are refused with these. */
const refusable = async (work: Promise<unknown>): Promise<boolean> =>
  await work.then(
    () => true,
    (error: LabkeeperError) => {
      if (/^LK300[134]$/.test(error.code)) return false;
      throw new Violation("defect", `a command failed: ${error.stack}`, { cause: error });
    },
  );

export async function approve(sim: Simulation, hold: string): Promise<void> {
  // Before the answer: what is carried out meanwhile is approved already.
  sim.approved.add(hold);
  if (!(await refusable(sim.store.approve(hold, "octocat")))) sim.approved.delete(hold);
}

async function approveNth(sim: Simulation, { nth, comment }: Of<"approve">): Promise<void> {
  const open = (await sim.store.holds()).filter(({ state }) => state === "open");
  const chosen = open[nth % Math.max(1, open.length)];
  if (!chosen) return;
  if (comment && sim.hosted) {
    sim.approved.add(chosen.id);
    sim.hosted.command(`/lab approve ${chosen.id}`);
  } else await approve(sim, chosen.id);
}

async function cancel(sim: Simulation, { lab, comment }: Of<"cancel">): Promise<void> {
  if (comment && sim.hosted) {
    sim.cancelled.add(lab);
    sim.hosted.command(`/lab cancel ${lab}`);
  } else if (await refusable(sim.store.cancel(lab, "octocat"))) sim.cancelled.add(lab);
}

async function retry(sim: Simulation, { lab, comment }: Of<"retry">): Promise<void> {
  if (comment && sim.hosted) sim.hosted.command(`/lab retry ${lab}`);
  else await refusable(sim.store.retry(lab, "octocat"));
}

async function fairly(sim: Simulation, work: () => Promise<void>): Promise<void> {
  const before = await keptLabs(sim);
  await work();
  await expectKept(sim, before);
}

/** A round, then every report that is due. */
export async function talk(sim: Simulation, { fault }: Of<"talk">): Promise<void> {
  const { hosted } = sim;
  if (hosted === null) return;
  if (fault !== null) hosted.fault("github", fault.kind, fault.times);
  for (const error of await hosted.conversation.round().catch((thrown: unknown) => [thrown])) tolerated(sim, error);
  for (let tries = 0; tries < 6; tries++) {
    const told = await hosted.conversation.report().catch((thrown: unknown) => {
      tolerated(sim, thrown);
      return { sent: 0, failed: [] };
    });
    for (const { error } of told.failed) tolerated(sim, error);
    if (told.sent === 0) break;
  }
}

/** What a process does that GitHub told to look; where nothing arrived, nobody looks before the next poll. */
async function bell(sim: Simulation): Promise<void> {
  if (sim.hosted === null || !(await sim.hosted.deliveries.rung())) return;
  await fairly(sim, () => cycle(sim, [[]]));
  await talk(sim, { do: "talk", fault: null });
}

/** Several processes of every kind side by side, until what they make of it is done. */
async function allAtOnce(
  sim: Simulation,
  { reconcilers, workers, janitors: sweepers }: Of<"all at once">,
): Promise<void> {
  let planning = true;
  const planned = fairly(sim, () => cycle(sim, reconcilers)).finally(() => {
    planning = false;
  });
  await together([planned, labour(sim, workers, { more: () => planning }), janitors(sim, sweepers)]);
}

/** Waits for all of them, also when one fails: nothing may go on in the next step. */
async function together(works: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(works);
  for (const each of settled) if (each.status === "rejected") throw each.reason;
}

export const hurry = async (sim: Simulation): Promise<void> => {
  await sim.sql("update jobs set run_at = clock_timestamp() where state = 'queued' and run_at > clock_timestamp()");
};

const policy = (broken: boolean): string => (broken ? "spec: [" : catalogFile(undefined, GUARDS));

function writePolicy(sim: Simulation, broken: boolean): void {
  sim.policyIsBroken = broken;
  sim.commitPolicy(policy(broken));
}

/** Who broke the policy hears of it with the next cycle. */
async function reconciled(sim: Simulation, processes: readonly (readonly Fate[])[]): Promise<void> {
  await fairly(sim, () => cycle(sim, processes));
  if (sim.policyIsBroken) writePolicy(sim, false);
}

/** Enough time has passed for what failed before, and where nothing did for a poll. */
async function work(sim: Simulation, { processes }: Of<"work">): Promise<void> {
  await hurry(sim);
  if (sim.mayDiffer && !(await isBusy(sim))) {
    sim.mayDiffer = false;
    await reconciled(sim, [[]]);
  }
  await labour(sim, processes);
}

type Doing = { readonly [Kind in Step["do"]]: (sim: Simulation, step: Of<Kind>) => unknown };

const DOING: Doing = {
  write: (sim, { lab, file }) => write(sim, lab, file),
  // Who finds no file to edit writes one.
  edit: (sim, { lab, workers }) =>
    sim.model.wanted(lab) ? edit(sim, lab, { workers }) : write(sim, lab, { spec: { workers } }),
  flag: (sim, { lab, field, on }) => edit(sim, lab, { [field]: on }),
  remove: (sim, { labs }) => remove(sim, present(sim, labs)),
  rename,
  break: breakFile,
  duplicate: (sim, { lab }) => sim.model.commit({ ...entry(lab, {}), ...entry(lab, { team: "team-b" }) }),
  revert: (sim) => sim.model.revert(),
  "force-push": (sim, { back }) => sim.model.forcePush(back),
  rewrite: (sim) => sim.model.rewrite(),
  policy: (sim, { broken }) => writePolicy(sim, broken),
  reconcile: (sim, { processes }) => reconciled(sim, processes),
  "dry-run": (sim) => fairly(sim, () => cycle(sim, [[]], true)),
  work,
  "real processes": (sim, { processes }) => fairly(sim, () => realProcesses(sim, processes)),
  janitor: (sim, { fates }) => janitor(sim, fates),
  "all at once": allAtOnce,
  talk,
  bell,
  "git fault": (sim, { kind }) => sim.hosted?.fault("git", kind, 2),
  "webhook fault": (sim, { kind, times }) => sim.hosted?.deliveries.fault(kind, times),
  "database restart": (sim, { how }) => sim.restart(how),
  approve: approveNth,
  cancel,
  retry,
  hurry,
  "hours pass": (sim, { hours }) => {
    sim.hours += hours;
    sim.hosted?.hoursPass(hours);
  },
  "clock jump": (sim, { hours }) => sim.jump(hours),
  weather: (sim, { weather }) => {
    sim.weather = weather;
  },
};

/** Nothing of theirs makes a plan another one. */
const UNPLANNED: ReadonlySet<Step["do"]> = new Set(["work", "reconcile", "dry-run", "janitor", "hurry", "weather"]);

export async function take(sim: Simulation, step: Step): Promise<void> {
  if (!UNPLANNED.has(step.do)) sim.mayDiffer = true;
  await (DOING[step.do] as (sim: Simulation, step: Step) => unknown)(sim, step);
  for (const [kind, count] of sim.hosted?.metFaults() ?? []) sim.fault(kind, count);
}

export const everyName: readonly string[] = NAMES;
