import { planHash, summarize } from "./plan-hash.ts";
import { resolveSpec } from "./resolve.ts";
import type { Change, DesiredFile, Plan, Remembered, RememberedLab, ResolvedSpec } from "./types.ts";

/** The file that asks for a lab which the records do not have, whether or not one may be made of it now. */
const fileWithoutLab = ({ operation }: Change): DesiredFile | null => {
  if (operation.kind === "provision") return operation.file;
  return operation.kind === "none" ? (operation.withheld ?? null) : null;
};

/** Names for which it matters whether a lab was made before. */
export const namesWithoutLab = ({ changes }: Plan): readonly string[] =>
  changes.flatMap((change) => (fileWithoutLab(change) === null ? [] : [change.lab]));

/**
 * The plan with what is remembered of the labs that the records do not have. One that was made already, and that they do
 * not know because an older backup was restored, is adopted instead of made: its own row comes back, and its provision goes
 * on from its recorded intent, which looks before it makes anything. What its file may not ask of a new lab any more it
 * keeps (promise P12).
 */
export const adopting = (plan: Plan, remembered: ReadonlyMap<string, Remembered>): Plan => {
  if (remembered.size === 0) return plan;
  const changes = plan.changes.map((change) => withMemory(change, remembered.get(change.lab)));
  const { keep, create } = summarize(changes, 0, 0);
  const before = summarize(plan.changes, 0, 0);
  const summary = { ...plan.summary, create, keep: plan.summary.keep - before.keep + keep };
  return { ...plan, changes, hash: planHash(changes), summary };
};

const withMemory = (change: Change, remembered: Remembered | undefined): Change => {
  const file = fileWithoutLab(change);
  if (remembered === undefined || file === null) return change;
  const { operation } = change;
  if (remembered.kind === "unreadable")
    return operation.kind === "provision" ? { ...change, operation: { ...operation, remembered } } : change;
  const { lab } = remembered;
  return {
    ...change,
    action: "create",
    reason: `adopts lab ${lab.id} of ${lab.createdAt.toISOString()}, which the records do not know: was an older backup restored?`,
    operation: { kind: "provision", file, spec: specOf(lab, file), policy: lab.policy, remembered },
  };
};

/** What the file makes of the lab, for the guards: another profile is for a plan that knows the lab. */
const specOf = (lab: RememberedLab, { document }: DesiredFile): ResolvedSpec =>
  document?.spec.profile === lab.spec.profile ? resolveSpec(document, lab.policy, lab.spec) : lab.spec;

/** The id of the lab that a change adopts; null when it makes a new one, or none. */
export const adoptedId = ({ operation }: Change): string | null =>
  operation.kind === "provision" && operation.remembered?.kind === "lab" ? operation.remembered.lab.id : null;
