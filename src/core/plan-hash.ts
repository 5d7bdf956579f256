import { digestOf } from "./canonical.ts";
import type { GuardName } from "./guard-name.ts";
import type { Change, Operation, Plan } from "./types.ts";

interface HoldSubject {
  readonly lab: string;
  readonly action: Change["action"];
  /** Null where no lab exists yet. */
  readonly labId: string | null;
  /** Null where no file asks for the change. */
  readonly digest: string | null;
}

/** The same change held by the same guard has the same id, in a dry run and in every cycle: an approval finds it. */
export const holdId = (guard: GuardName, { lab, action, labId, digest }: HoldSubject): string =>
  `hold-${digestOf([guard, lab, action, labId ?? "", digest ?? "absent"]).slice("sha256:".length, "sha256:".length + 10)}`;

export const holdIdOf = (guard: GuardName, { lab, action, operation }: Change): string =>
  holdId(guard, {
    lab,
    action,
    labId: "lab" in operation ? operation.lab.id : adopted(operation),
    digest: "file" in operation ? operation.file.digest : null,
  });

/** An approval to adopt one lab is none for another. */
const adopted = (operation: Operation): string | null =>
  operation.kind === "provision" && operation.remembered?.kind === "lab" ? operation.remembered.lab.id : null;

/** What an operation does, without times and commits: two plans that do the same have the same hash. */
const essence = (operation: Operation): unknown => {
  switch (operation.kind) {
    case "provision":
      return [
        "provision",
        operation.file.digest,
        ...(adopted(operation) === null ? [operation.spec, operation.policy.digest] : [adopted(operation)]),
      ];
    case "update":
      return ["update", operation.lab.id, operation.file.digest, operation.spec, operation.job];
    case "replace":
    case "return":
      return [operation.kind, operation.lab.id, operation.file.digest];
    case "leave":
    case "destroy":
      return [operation.kind, operation.lab.id, operation.cause.kind];
    case "forget":
      return ["forget", operation.lab.id];
    case "none":
      return ["none"];
  }
};

/** Over everything but the `keep` rows, in the plan's own order. */
export const planHash = (changes: readonly Change[]): string =>
  digestOf(
    changes
      .filter(({ action }) => action !== "keep")
      .map(({ lab, team, action, reason, fields, held, operation }) => [
        lab,
        team,
        action,
        reason,
        fields,
        held?.hold ?? null,
        essence(operation),
      ]),
  );

/** A file that is refused before it ever was a lab keeps nothing. */
const keepsLab = ({ action, operation }: Change): boolean =>
  action === "keep" && !(operation.kind === "none" && operation.orphan !== undefined);

/** Counts by action; held changes count under their action too. `unchanged` are labs that needed no comparison. */
export const summarize = (changes: readonly Change[], problems: number, unchanged: number): Plan["summary"] => {
  const count = (action: Change["action"]): number => changes.filter((change) => change.action === action).length;
  return {
    create: count("create"),
    update: count("update"),
    destroy: count("destroy"),
    keep: changes.filter(keepsLab).length + unchanged,
    held: changes.filter(({ held }) => held !== null).length,
    problems,
  };
};
