import { adoptedId } from "./adoption.ts";
import { API_VERSION, type Change, type Json, type JsonObject, type Plan } from "./types.ts";

/** Nothing happens, nothing is held: people see it only when they ask for all. */
export const isQuiet = ({ action, held }: Change): boolean => action === "keep" && held === null;

const heldJson = (held: Change["held"]): Json =>
  held === null
    ? null
    : { guard: held.guard, message: held.message, release: held.release, hold: held.hold, approvable: held.approvable };

const changeJson = (change: Change): JsonObject => {
  const { lab, team, action, replace, reason, fields, held, source } = change;
  const adopts = adoptedId(change);
  return {
    lab,
    team,
    action,
    ...(replace ? { replace } : {}),
    ...(adopts === null ? {} : { adopts }),
    reason,
    fields: fields.map(({ path, before, after }) => ({ path, before, after })),
    held: heldJson(held),
    source: source === null ? null : { path: source.path, commit: source.commit, pullRequest: source.pullRequest },
  };
};

/** The plan for other programs: `apiVersion` labkeeper.dev/v1, `kind` Plan. `all` adds the labs that are kept. */
export const planToJson = (plan: Plan, { all }: { readonly all: boolean }): JsonObject => ({
  apiVersion: API_VERSION,
  kind: "Plan",
  commit: plan.commit,
  previousCommit: plan.previousCommit,
  hash: plan.hash,
  changes: plan.changes.filter((change) => all || !isQuiet(change)).map(changeJson),
  problems: plan.problems.map(({ path, line, column, code, message, remedy }) => ({
    path,
    line,
    column,
    code,
    message,
    remedy,
  })),
  summary: { ...plan.summary },
});
