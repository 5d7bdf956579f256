/** The promises, looked at from outside: rows of the database, files of the cloud, what authors wrote. */

import { canMove } from "../src/core/states.ts";
import type { Cause, LabState } from "../src/core/types.ts";
import type { Simulation } from "./simulation.ts";
import { hold } from "./violation.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly state: LabState;
  readonly infra: string | null;
  readonly cause: Cause | null;
  readonly reopened: boolean;
  readonly absences: number | null;
  readonly states: readonly LabState[] | null;
  readonly unexplained: number;
  readonly failure: { readonly code?: string; readonly remedy?: string } | null;
}

const rows = (sim: Simulation): Promise<Row[]> =>
  sim.sql(`select l.id, l.name, l.state, l.intent ->> 'infraID' as infra, l.destroy_cause as cause, l.reopened, l.failure,
      (select jsonb_array_length(jsonb_path_query_array(r.observations, '$[*] ? (@.verdict == "absent")'))
        from destroy_receipts r where r.id = l.receipt_id) as absences,
      (select jsonb_agg(e.payload ->> 'state' order by e.seq) from lab_events e
        where e.lab_id = l.id and e.payload ? 'state') as states,
      (select count(*)::int from lab_events e where e.lab_id = l.id and (e.actor = '' or
        (e.payload ? 'state' and e.cause is null))) as unexplained
    from labs l`);

/** P1: the cause of each end is true by what authors, approvers and clocks did. */
function expectTrueCause(sim: Simulation, { name, state, cause }: Row): void {
  if (cause === null) {
    hold("P1", !/^destroy/.test(state), () => `${name} is ${state} without a cause`);
    return;
  }
  switch (cause.kind) {
    case "commit":
      hold(
        "P1",
        sim.model.hadFile(name, cause.commit) === false,
        () =>
          `${name} ends by ${cause.commit}, which ${sim.model.hadFile(name, cause.commit) === null ? "was never merged" : "has its file"}`,
      );
      break;
    case "expired":
      hold(
        "P1",
        Date.parse(cause.expiresAt) <= sim.now().getTime(),
        () => `${name} expires only at ${cause.expiresAt}`,
      );
      break;
    case "replace":
      hold("P1", sim.approved.has(cause.hold), () => `${name} is replaced by ${cause.hold}, which nobody approved`);
      break;
    case "command":
      hold("P1", sim.cancelled.has(name), () => `${name} ends by a command that nobody gave`);
  }
}

function expectExplained({ name, state, states, unexplained }: Row): void {
  hold("P11", unexplained === 0, () => `${name} has ${unexplained} events that do not say who or why`);
  const told = (states ?? []).filter((each, index, all) => each !== all[index - 1]);
  hold("P11", told[0] === "pending" && told.at(-1) === state, () => `${name} is ${state}, told are ${told.join(", ")}`);
  for (const [index, each] of told.entries()) {
    const before = told[index - 1];
    hold("P11", before === undefined || before === each || canMove(before, each) || before === "destroyed", () => {
      return `${name}: ${before} cannot become ${each}`;
    });
  }
}

export function expectNothingWrong({ wrong: [first] }: Simulation): void {
  if (first) throw first;
}

/** P1, P2, P3, P4, P11, whatever happened so far. Call it between steps, when nothing runs. */
export async function expectPromises(sim: Simulation): Promise<void> {
  expectNothingWrong(sim);
  const clusters = await sim.cloud.clusters();
  const labs = await rows(sim);
  const recorded = new Set(labs.map(({ infra }) => infra));
  const existing = new Set(clusters.map(({ infraID }) => infraID));
  for (const { infraID } of clusters)
    hold("P2", recorded.has(infraID), () => `${infraID} exists and no lab has recorded it`);
  for (const lab of labs) {
    expectTrueCause(sim, lab);
    expectExplained(lab);
    hold("defect", lab.failure?.code !== "LK4005", () => `${lab.name}: ${JSON.stringify(lab.failure)}`);
    if (lab.state !== "destroyed") continue;
    hold("P4", (lab.absences ?? 0) >= 2, () => `${lab.name} is destroyed without two looks that found nothing`);
    // What the janitor found again is destroyed again, and said so meanwhile.
    hold(
      "P4",
      lab.infra === null || !existing.has(lab.infra) || lab.reopened,
      () => `${lab.name} is destroyed, and ${lab.infra} is there`,
    );
  }
  const doubled = await sim.sql<{ lab_id: string }>(
    "select lab_id from jobs where state = 'running' group by 1 having count(*) > 1",
  );
  hold("P3", doubled.length === 0, () => `two jobs run at once on ${doubled.map(({ lab_id }) => lab_id).join(", ")}`);
}

export interface Kept {
  readonly name: string;
  readonly digest: string;
  readonly commitEnds: boolean;
  readonly leaving: string | null;
}

/** Of each lab, what a broken file must not change. */
export const keptLabs = async (sim: Simulation): Promise<ReadonlyMap<string, Kept>> => {
  const found = await sim.sql<Kept & { readonly id: string }>(`select id, name, document_digest as digest,
    coalesce(destroy_cause ->> 'kind' = 'commit', false) as "commitEnds", leaving_until::text as leaving from labs`);
  return new Map(found.map(({ id, ...kept }) => [id, kept]));
};

/** P8: a lab whose file is broken or there twice is kept as it is. */
export async function expectKept(sim: Simulation, before: ReadonlyMap<string, Kept>): Promise<void> {
  for (const [id, after] of await keptLabs(sim)) {
    const was = before.get(id);
    if (was === undefined || sim.model.wanted(after.name) !== null) continue;
    hold("P8", JSON.stringify(was) === JSON.stringify(after), () => {
      return `${after.name}, whose file is broken, went from ${JSON.stringify(was)} to ${JSON.stringify(after)}`;
    });
  }
}
