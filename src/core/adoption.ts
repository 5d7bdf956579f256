import { planHash } from "./plan-hash.ts";
import type { Change, Plan, Remembered } from "./types.ts";

/** The labs that a plan would make. */
export const createdNames = ({ changes }: Plan): readonly string[] =>
  changes.flatMap(({ lab, operation }) => (operation.kind === "provision" ? [lab] : []));

/**
 * The plan with what is remembered of the labs that it would make. One that was made already, and that the records do not
 * know because an older backup was restored, is adopted instead: its own row comes back, and its provision goes on from
 * its recorded intent, which looks before it makes anything.
 */
export const adopting = (plan: Plan, remembered: ReadonlyMap<string, Remembered>): Plan => {
  if (remembered.size === 0) return plan;
  const changes = plan.changes.map((change) => adoptingChange(change, remembered.get(change.lab)));
  return { ...plan, changes, hash: planHash(changes) };
};

const adoptingChange = (change: Change, remembered: Remembered | undefined): Change => {
  if (remembered === undefined || change.operation.kind !== "provision") return change;
  const operation = { ...change.operation, remembered };
  if (remembered.kind === "unreadable") return { ...change, operation };
  const { id, createdAt } = remembered.lab;
  const made = createdAt.toISOString();
  const reason = `adopts lab ${id} of ${made}, which the records do not know: was an older backup restored?`;
  return { ...change, reason, operation };
};

/** The id of the lab that a change adopts; null when it makes a new one, or none. */
export const adoptedId = ({ operation }: Change): string | null =>
  operation.kind === "provision" && operation.remembered?.kind === "lab" ? operation.remembered.lab.id : null;
