import { type GitServer, startGitServer } from "../test/git-server.ts";
import { type Figure, median, type Report } from "./figures.ts";
import { PHASES } from "./phases.ts";
import { type Cycle, type PlanWorld, planWorld } from "./plan-world.ts";
import { sample } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import { benchTerraform } from "./terraform.ts";
import type { Workplace } from "./workplace.ts";

const LARGE = 10_000;
const PER_SIZE = 1.5;

const ms = (cycles: readonly Cycle[]): number => median(cycles.map((cycle) => cycle.ms));

/** Where the time went, for phases that took at least a tenth of a millisecond. */
const phasesOf = (cycles: readonly Cycle[]): string =>
  PHASES.map((phase) => [phase, median(cycles.map(({ phases }) => phases[phase]))] as const)
    .filter(([, value]) => value >= 0.1)
    .map(([phase, value]) => `${phase} ${value >= 10 ? value.toFixed(0) : value.toFixed(1)}`)
    .join(", ");

const figureOf = (name: string, cycles: readonly Cycle[], target?: Figure["target"]): Figure => ({
  name,
  value: ms(cycles),
  unit: "ms",
  samples: cycles.length,
  note: phasesOf(cycles),
  ...(target ? { target } : {}),
});

/** Fails loudly when a cycle did something else than what is measured. */
function expectChanges(cycle: Cycle, changes: number): Cycle {
  if (cycle.changes !== changes) throw new Error(`the plan has ${cycle.changes} changes instead of ${changes}`);
  return cycle;
}

/** From a fetched catalog to a plan, on real repositories and a real database: cold, quiet, and with one file changed. */
export async function benchPlan(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  const server = await startGitServer(workplace.path("."));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.close());
  const worlds: PlanWorld[] = [];
  const cold = new Map<number, readonly Cycle[]>();
  for (const labs of settings.labs) {
    report.step(`plan: a catalog of ${labs} labs`);
    const world = stack.use(await planWorld(workplace, labs));
    worlds.push(world);
    cold.set(labs, await coldPlans(world, settings));
    report.figure(
      figureOf(`plan, cold, ${labs} labs`, cold.get(labs) ?? [], labs === LARGE ? { atMost: 4_000 } : undefined),
    );
    const first = await world.cycle(await world.openCatalog(), { dryRun: false });
    report.figure(figureOf(`first cycle with everything recorded, ${labs} labs`, [expectChanges(first, labs)]));
    await world.settle();
  }
  report.step("plan: quiet and warm cycles");
  await quietCycles(worlds, settings, report);
  const warm = await warmCycles(worlds, settings, report, null);
  await warmCycles(worlds, settings, report, server);
  await benchTerraform(workplace, settings, report, { cold, warm });
}

/** A process that just started, an empty database: everything is read, parsed and planned, nothing is written. */
const coldPlans = (world: PlanWorld, settings: Settings): Promise<Cycle[]> =>
  sample(settings, async () =>
    expectChanges(await world.cycle(await world.openCatalog(), { dryRun: true }), world.labs),
  );

/** Runs one cycle of each world in turn, so that a busy moment of the machine falls on all of them. */
async function interleaved(
  worlds: readonly PlanWorld[],
  settings: Settings,
  run: (world: PlanWorld, index: number) => Promise<Cycle>,
): Promise<Map<number, Cycle[]>> {
  const rounds = await sample({ runs: settings.runs * 3, budgetMs: settings.budgetMs }, async (index) => {
    const cycles: [number, Cycle][] = [];
    for (const world of worlds) cycles.push([world.labs, await run(world, index)]);
    return cycles;
  });
  const found = new Map<number, Cycle[]>();
  for (const [labs, cycle] of rounds.flat()) found.set(labs, [...(found.get(labs) ?? []), cycle]);
  return found;
}

async function quietCycles(worlds: readonly PlanWorld[], settings: Settings, report: Report): Promise<void> {
  const catalogs = new Map(await Promise.all(worlds.map(async (world) => [world, await world.openCatalog()] as const)));
  const quiet = async (world: PlanWorld): Promise<Cycle> => {
    const catalog = catalogs.get(world) ?? (await world.openCatalog());
    return expectChanges(await world.cycle(catalog, { dryRun: false }), 0);
  };
  for (const world of worlds) await quiet(world);
  const cycles = await interleaved(worlds, settings, quiet);
  for (const [labs, found] of cycles) report.figure(figureOf(`cycle, nothing changed, ${labs} labs`, found));
}

/** One changed file in a new commit, planned, recorded and queued; with a server also fetched over HTTP on loopback. */
async function warmCycles(
  worlds: readonly PlanWorld[],
  settings: Settings,
  report: Report,
  server: GitServer | null,
): Promise<ReadonlyMap<number, readonly Cycle[]>> {
  const where = server === null ? "" : ", fetched over HTTP";
  const url = (world: PlanWorld) => (server === null ? undefined : `${server.url}/catalog-${world.labs}.git`);
  const catalogs = new Map(
    await Promise.all(worlds.map(async (world) => [world, await world.openCatalog(url(world))] as const)),
  );
  const ttlHours = server === null ? 48 : 72;
  const warm = async (world: PlanWorld, index: number): Promise<Cycle> => {
    const catalog = catalogs.get(world) ?? (await world.openCatalog(url(world)));
    world.edit(index, ttlHours);
    return expectChanges(await world.cycle(catalog, { dryRun: false }), 1);
  };
  for (const world of worlds) await warm(world, settings.runs * 3);
  const cycles = await interleaved(worlds, settings, warm);
  for (const [labs, found] of cycles) {
    const target = labs === LARGE && server === null ? { atMost: 150 } : undefined;
    report.figure(figureOf(`cycle, one file changed${where}, ${labs} labs`, found, target));
  }
  const [smallest, largest] = [settings.labs[0], settings.labs.at(-1)];
  if (smallest !== undefined && largest !== undefined && smallest < largest) {
    report.figure({
      name: `one file changed${where}, ${largest} against ${smallest} labs`,
      value: ms(cycles.get(largest) ?? []) / ms(cycles.get(smallest) ?? []),
      unit: "times",
      samples: cycles.get(largest)?.length ?? 0,
      target: { atMost: PER_SIZE },
    });
  }
  return cycles;
}
