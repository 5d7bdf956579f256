import type { Cause, Change, DesiredFile, FieldChange, Lab, LabDocument, Operation } from "./types.ts";

/** A lab file that was accepted: it has a document, and the document's digest. */
export type AcceptedFile = DesiredFile & { readonly document: LabDocument; readonly digest: string };

export const isAccepted = (file: DesiredFile): file is AcceptedFile => file.document !== null && file.digest !== null;

/** Which lab a change is about and which file, at which commit, says so. */
export interface Subject {
  readonly lab: string;
  readonly team: string;
  readonly path: string;
  readonly commit: string;
  /** That brought the file as it is, or took it away; null: none is known. */
  readonly pullRequest: number | null;
}

const change = (
  { lab, team, path, commit, pullRequest }: Subject,
  action: Change["action"],
  reason: string,
  operation: Operation,
  fields: readonly FieldChange[] = [],
): Change => ({
  lab,
  team,
  action,
  replace: operation.kind === "replace",
  reason,
  fields,
  held: null,
  source: { path, commit, pullRequest },
  operation,
});

/** Nothing happens to the lab. An operation beside it only sets the records straight. */
export const keep = (subject: Subject, reason: string, operation: Operation = { kind: "none" }): Change =>
  change(subject, "keep", reason, operation);

export const create = (subject: Subject, operation: Extract<Operation, { kind: "provision" }>): Change =>
  change(subject, "create", "the catalog has it and no such lab exists", operation);

export const update = (
  subject: Subject,
  reason: string,
  operation: Extract<Operation, { kind: "update" | "return" | "replace" }>,
  fields: readonly FieldChange[] = [],
): Change => change(subject, "update", reason, operation, fields);

export const destroy = (subject: Subject, reason: string, lab: Lab, cause: Cause): Change =>
  change(subject, "destroy", reason, { kind: "destroy", lab, cause });

/** Starts the deletion grace: nothing is destroyed before `until`. */
export const leave = (subject: Subject, reason: string, lab: Lab, cause: Cause, until: Date): Change =>
  change(subject, "destroy", reason, { kind: "leave", lab, cause, until });
