/** P6: once faults stop, every lab becomes what its file says, or says by name why it is not. */

import { catalogFile } from "../test/promises/files.ts";
import { cycle, janitor } from "./cycle.ts";
import { expectNothingWrong } from "./invariants.ts";
import { labour } from "./labour.ts";
import type { Simulation } from "./simulation.ts";
import { approve, everyName, hurry, remove, talk, write } from "./steps.ts";
import { hold } from "./violation.ts";

/** Cycles within which everything has to be at rest. */
const BOUND = 30;
const UNGUARDED = { ttlHours: 160, workers: 0, protect: false, suspend: false } as const;

async function approveAll(sim: Simulation): Promise<void> {
  for (const { id, state } of await sim.store.holds()) if (state === "open") await approve(sim, id);
}

/** People mend files, lift protections and approve; machines, networks and clouds are well again. */
async function mend(sim: Simulation): Promise<void> {
  sim.weather = {};
  sim.mended = true;
  sim.hosted?.clearFaults();
  await sim.hosted?.deliveries.release();
  sim.commitPolicy(catalogFile(undefined, { maxDestroys: 1_000, maxDestroyPercent: 100 }));
  const wanted = new Map(everyName.map((name) => [name, sim.model.wanted(name)]));
  // Only a file can lift a protection, so those that went with it come back for a moment.
  for (let round = 0; round < 5; round++) {
    const kept = (await sim.store.labs(false)).filter(({ lab: { spec } }) => spec.protect || spec.suspend);
    if (round > 0 && kept.length === 0) break;
    for (const { lab } of kept) write(sim, lab.name, { spec: UNGUARDED });
    await cycle(sim, [[]]);
    await approveAll(sim);
    await labour(sim, [[]]);
    expectNothingWrong(sim);
  }
  for (const [name, file] of wanted) {
    if (file === undefined) remove(sim, [name]);
    else
      write(sim, name, {
        ...file,
        spec: { ttlHours: 160, workers: 0, ...file?.spec, protect: false, suspend: false },
      });
  }
}

/** Each lab that was given up says why and what helps; a person then asks for it again. */
async function helpGivenUp(sim: Simulation): Promise<void> {
  for (const { lab } of await sim.store.labs(false)) {
    const givenUp = lab.state === "failed_permanent" || lab.state === "timed_out" || lab.failedDigest !== null;
    if (!givenUp || lab.destroyCause) continue;
    const said = lab.failure !== null && /^LK/.test(lab.failure.code) && lab.failure.remedy !== "";
    hold("P6", said, () => `${lab.name} is ${lab.state} and does not say why: ${JSON.stringify(lab.failure)}`);
    await sim.store.retry(lab.name, "octocat").catch(() => undefined);
  }
}

/** True when nothing is queued, nothing leaves, and every file has its answer. */
async function atRest(sim: Simulation): Promise<boolean> {
  const [row] = await sim.sql<{ jobs: number; leaving: number; untold: number }>(`select
    (select count(*)::int from jobs where state in ('queued', 'running')) as jobs,
    (select count(*)::int from labs where leaving_until is not null and live) as leaving,
    (select count(*)::int from holds where state in ('open', 'approved')) as untold`);
  if (row && row.leaving > 0) {
    // A lab that leaves is given the time that its profile grants.
    sim.hours += 11;
    sim.hosted?.hoursPass(11);
  }
  return row !== undefined && row.jobs === 0 && row.leaving === 0 && row.untold === 0;
}

async function expectAsWanted(sim: Simulation): Promise<void> {
  const labs = (await sim.store.labs(false)).map(({ lab }) => lab);
  const names = everyName.filter((name) => sim.model.wanted(name) !== undefined).sort();
  hold("P6", JSON.stringify(labs.map(({ name }) => name).sort()) === JSON.stringify(names), () => {
    return `files for ${names.join(", ")}, labs ${labs.map(({ name, state }) => `${name} ${state}`).join(", ")}`;
  });
  const intents = await sim.sql<{ id: string; infra: string }>("select id, intent ->> 'infraID' as infra from labs");
  const infraOf = new Map(intents.map(({ id, infra }) => [id, infra]));
  const clusters = new Map((await sim.cloud.clusters()).map((cluster) => [cluster.infraID, cluster]));
  for (const lab of labs) {
    // Expired or cancelled, it answers for its file until that goes.
    const ended = lab.state === "destroyed" && /^(expired|command)$/.test(lab.destroyCause?.kind ?? "");
    hold("P6", ended || (lab.state === "ready" && lab.failure === null), () => {
      return `${lab.name} stays ${lab.state}: ${JSON.stringify(lab.failure)}`;
    });
    if (ended) continue;
    const infra = infraOf.get(lab.id) ?? "nothing";
    const cluster = clusters.get(infra);
    const workers = sim.model.wanted(lab.name)?.spec?.workers;
    hold(
      "P5",
      cluster?.state === "running",
      () => `${lab.name} is ready and ${infra} is ${cluster?.state ?? "not there"}`,
    );
    hold(
      "P6",
      workers === undefined || cluster?.workers === workers,
      () => `${lab.name} has ${cluster?.workers} workers`,
    );
    clusters.delete(infra);
  }
  hold("P4", clusters.size === 0, () => `nobody answers for ${[...clusters.keys()].join(", ")}`);
}

export async function settle(sim: Simulation): Promise<void> {
  await mend(sim);
  let quiet = 0;
  for (let turn = 0; quiet < 2; turn++) {
    if (turn === BOUND) await expectAsWanted(sim);
    hold("P6", turn < BOUND, () => `not at rest after ${BOUND} cycles`);
    await cycle(sim, [[]]);
    await approveAll(sim);
    await labour(sim, [[]]);
    await helpGivenUp(sim);
    await hurry(sim);
    await labour(sim, [[]]);
    expectNothingWrong(sim);
    quiet = (await atRest(sim)) ? quiet + 1 : 0;
    // What it finds again is destroyed again, so that there is no rest for two turns yet.
    if (quiet === 1) await janitor(sim, []);
  }
  await expectAsWanted(sim);
  if (sim.hosted === null) return;
  await talk(sim, { do: "talk", fault: null });
  const twice = sim.hosted.toldTwice();
  hold("P11", twice.length === 0, () => `more than one comment of labkeeper's on #${twice.join(", #")}`);
}
