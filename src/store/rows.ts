import type {
  Cause,
  DesiredFile,
  FailureRecord,
  JsonObject,
  Lab,
  LabDocument,
  LabState,
  Problem,
  Profile,
  ResolvedSpec,
} from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { ListedLab } from "../ports.ts";

/** A row of `labs` as `lk_lab` gives it: times are ISO 8601 text. */
export interface LabRow extends ListedRow {
  readonly policy: Profile;
  readonly intent: JsonObject | null;
}

/** The same without what lists do not show. */
export interface ListedRow {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly state: LabState;
  readonly state_since: string;
  readonly spec: ResolvedSpec;
  readonly path: string;
  readonly commit: string;
  readonly document_digest: string;
  readonly failed_digest: string | null;
  readonly resource_version: number;
  readonly created_at: string;
  readonly ready_at: string | null;
  readonly expires_at: string | null;
  readonly leaving_since: string | null;
  readonly leaving_until: string | null;
  readonly leaving_cause: Cause | null;
  readonly destroy_cause: Cause | null;
  readonly failure: FailureRecord | null;
}

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

export const labFromRow = (row: LabRow): Lab => ({ ...listedFromRow(row), policy: row.policy, intent: row.intent });

export function listedFromRow(row: ListedRow): ListedLab {
  const { leaving_since: since, leaving_until: until, leaving_cause: cause } = row;
  return {
    id: row.id,
    name: row.name,
    team: row.team,
    state: row.state,
    stateSince: new Date(row.state_since),
    spec: row.spec,
    path: row.path,
    commit: row.commit,
    documentDigest: row.document_digest,
    failedDigest: row.failed_digest,
    resourceVersion: row.resource_version,
    createdAt: new Date(row.created_at),
    readyAt: date(row.ready_at),
    expiresAt: date(row.expires_at),
    leaving: since && until && cause ? { since: new Date(since), until: new Date(until), cause } : null,
    destroyCause: row.destroy_cause,
    failure: row.failure,
  };
}

export interface DesiredRow {
  readonly path: string;
  readonly blob_oid: string;
  readonly name: string;
  readonly may_be: readonly string[];
  readonly team: string;
  readonly document: LabDocument | null;
  readonly document_digest: string | null;
  readonly problems: readonly Problem[];
}

export const desiredFromRow = (row: DesiredRow): DesiredFile => ({
  path: row.path,
  blobOid: row.blob_oid,
  name: row.name,
  mayBe: row.document ? [row.name] : row.may_be,
  team: row.team,
  document: row.document,
  digest: row.document_digest,
  problems: row.problems,
});

export const desiredToRow = (file: DesiredFile): DesiredRow => ({
  path: file.path,
  blob_oid: file.blobOid,
  name: file.name,
  may_be: file.document ? [] : file.mayBe,
  team: file.team,
  document: file.document,
  document_digest: file.digest,
  problems: file.problems,
});

/** The one row that a query promises. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new LabkeeperError("LK4005", "a query that answers one row answered none");
  return row;
}
