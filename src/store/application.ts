import type { Transaction } from "kysely";
import type { Cause, Change, Operation } from "../core/types.ts";

/** What each part of an application works with. */
export interface Application {
  readonly tx: Transaction<unknown>;
  readonly commit: string;
  readonly planId: string;
  readonly correlationId: string;
  readonly now: Date;
}

/** A change that is not held, with its operation's own type. */
export interface Approved<K extends Operation["kind"]> {
  readonly change: Change;
  readonly operation: Extract<Operation, { kind: K }>;
}

/** The pull request that brought a change, for what tells of it; nothing where none is known. */
export const pullRequestOf = ({ source }: Change): { readonly pullRequest?: number } =>
  source?.pullRequest == null ? {} : { pullRequest: source.pullRequest };

export const commitCause = (change: Change, commit: string, path: string): Cause => ({
  kind: "commit",
  commit,
  path,
  ...pullRequestOf(change),
});
