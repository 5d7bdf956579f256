/** The small interfaces between clouds, the janitor that watches over them, and what is recorded of both. As ports.ts. */

import type { Lab, Observation } from "./core/types.ts";
import type { LabOrder, Lease, ResourceNeed } from "./ports.ts";

// -------------------------------------------------------------------- cloud

/** Exactly one cluster. Never a pattern: an empty infraId or labId is refused by everything that takes a target. */
export interface CloudTarget {
  /** A name under `accounts:` in the configuration; null: the default credentials. */
  readonly account: string | null;
  /** The account it was made in, as the cloud counts them: a look into another one proves nothing. Null: not known. */
  readonly accountId?: string | null;
  readonly region: string;
  /** Every region the lab's policy allows: a look covers all of them. */
  readonly regions: readonly string[];
  readonly infraId: string;
  readonly labId: string;
  readonly clusterName: string;
  readonly baseDomain: string;
}

/** Something that exists in a cloud. `id` is its ARN, or as good as one where the cloud gives none. */
export interface CloudResource {
  readonly id: string;
  readonly type: string;
  readonly account: string;
  readonly region: string;
  readonly infraId: string | null;
  readonly labId: string | null;
  /** Which labkeeper made it; absent or null where nothing says so. */
  readonly installation?: string | null;
  readonly createdAt: Date | null;
  /** US dollars a day, estimated; null when nobody knows. */
  readonly dailyCost: number | null;
}

/** A cluster that is or once was. */
export interface KnownCluster {
  /** As in `CloudTarget`. */
  readonly account: string | null;
  readonly infraId: string;
  readonly labId: string;
  readonly clusterName: string;
  readonly baseDomain: string;
}

/** What a cloud shows. Looking never changes anything; what could not be looked at is said, never left out. */
export interface CloudInventory {
  observe(target: CloudTarget, signal?: AbortSignal): Promise<Observation>;
  /**
   * Everything in all accounts and regions that carries labkeeper's or an OpenShift cluster's tags. DNS records carry none:
   * only those are found that are named exactly as one of the clusters.
   */
  sweep(
    signal?: AbortSignal,
    clusters?: readonly KnownCluster[],
  ): Promise<{
    readonly resources: readonly CloudResource[];
    readonly unseen: readonly { readonly scope: string; readonly reason: string }[];
  }>;
}

/** Checks and small repairs in a cloud that belong to one lab. */
export interface CloudAccount {
  /** Who the credentials belong to now, for `CloudTarget.accountId`. @throws LK5302 when the configuration says another */
  accountId(account: string | null, signal?: AbortSignal): Promise<string>;
  /** @throws with class and remedy: hosted zone, name already in the zone, instance types per zone, credentials */
  preflight(lab: LabOrder, signal?: AbortSignal): Promise<readonly ResourceNeed[]>;
  /** Removes DNS records of exactly this cluster; answers what it removed. */
  removeDnsRecords(target: CloudTarget, signal?: AbortSignal): Promise<readonly string[]>;
  /** Removes one resource that an operator named; refuses types it does not know. */
  destroyResource(resource: CloudResource, signal?: AbortSignal): Promise<void>;
  /**
   * What an installer works with in this account now; to be asked for again, because it ends before an install does. Null:
   * what AWS' own tools find by the default chain, and renew by themselves.
   */
  sessionKeys(account: string | null, signal?: AbortSignal): Promise<SessionKeys | null>;
}

/** Of an assumed role. Never logged, never put into an environment, where nobody could renew them. */
export interface SessionKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: Date;
}

// ------------------------------------------------------------------ janitor

/** A receipt whose time has come to be looked at again. */
export interface DueCheck {
  readonly receiptId: string;
  readonly dueAt: string;
  readonly lab: Lab;
}

export interface ReceiptCheckStore {
  dueChecks(now: Date, limit: number): Promise<readonly DueCheck[]>;
  /**
   * absent: confirmed. present: the lab is destroyed again. unknown: looked at again in an hour.
   * @throws LK4004 when the janitor's lease is lost
   */
  recordCheck(check: DueCheck, observation: Observation, now: Date, lease: Lease): Promise<void>;
}

export interface RetentionStore {
  /** Labs that were proven gone before then and at every later look, and whose artifacts are still kept. Oldest first. */
  artifactsToForget(before: Date, limit: number): Promise<readonly { readonly id: string; readonly name: string }[]>;
  /** @throws LK4004 when the janitor's lease is lost */
  recordForgotten(lab: { readonly id: string; readonly name: string }, lease: Lease): Promise<void>;
  /**
   * Removes plans of pull requests that ended before then, of at most so many, but for those that something may still ask
   * for; answers how many plans went.
   */
  pruneReviews(before: Date, limit: number): Promise<number>;
}

/** What Postgres knows or once knew of a lab, for telling its resources from orphans. */
export interface KnownLab {
  readonly id: string;
  readonly name: string;
  readonly live: boolean;
  readonly infraId: string | null;
  /** What its records are named after and whose they are; null where it never had any. */
  readonly cluster: Pick<KnownCluster, "account" | "clusterName" | "baseDomain"> | null;
}

export interface OrphanFinding {
  readonly resource: CloudResource;
  readonly why: string;
  /** The lab it once belonged to, by name; null when nobody knows. */
  readonly lab: string | null;
}

export interface OrphanRow extends OrphanFinding {
  readonly state: "open" | "ignored" | "gone" | "destroyed";
  readonly firstSeen: Date;
  readonly lastSeen: Date;
}

export interface OrphanStore {
  /** One entry for each cluster that a lab has or had, the latest last; one without for a lab that has none yet. */
  knownLabs(): Promise<readonly KnownLab[]>;
  /**
   * `unseen` are scopes (`account/region`) that could not be looked at: nothing in them counts as gone.
   * @throws LK4004 when the janitor's lease is lost
   */
  recordSweep(
    findings: readonly OrphanFinding[],
    unseen: readonly string[],
    now: Date,
    lease: Lease,
  ): Promise<{ readonly opened: number }>;
  /** Open ones; `all` adds the others. */
  orphans(all: boolean): Promise<readonly OrphanRow[]>;
  decideOrphan(id: string, decision: "ignored" | "destroyed", actor: string): Promise<OrphanRow>;
}
