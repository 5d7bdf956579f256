/** Whose resources a look is for: those of exactly one cluster, or those of any. */

import type { CloudResource } from "../../cloud-ports.ts";
import {
  ccoTag,
  clusterTag,
  infraIdInName,
  installationOf,
  labIdOf,
  namedAfter,
  ownedBy,
  owningInfraId,
  TAGS,
  type Tags,
} from "../../core/ownership.ts";

/** A tag to ask for. `*` at the end of a key stands for any rest; value null for any value. */
export interface TagQuery {
  readonly key: string;
  readonly value: string | null;
  /** What carries it is in no VPC. */
  readonly onlyIam?: boolean;
}

export interface Whose {
  /** What any of these finds is looked at. */
  readonly queries: readonly TagQuery[];
  /** Whether a name alone makes it worth reading the tags, where a service cannot search by tag. */
  mayBe(name: string): boolean;
  /** The same of an IAM user, whose name has less of the infraID. */
  mayBeUser(name: string): boolean;
  /** The decision. `name` is given where the installer's names carry the infraID. */
  isMeant(tags: Tags, name: string | null): boolean;
  /** Null where neither tags nor name say. */
  infraId(tags: Tags, name: string | null): string | null;
}

/** The bootstrap bucket alone has the infraID at its end (openshift/installer, `pkg/infrastructure/aws/clusterapi`). */
const BOOTSTRAP_BUCKET = "openshift-bootstrap-data-";
const infraIdFirst = (name: string): string =>
  name.startsWith(BOOTSTRAP_BUCKET) ? `${name.slice(BOOTSTRAP_BUCKET.length)}-bootstrap` : name;

/**
 * The credential operator names a user by the infraID's first 20 characters, what asked for it and five random ones
 * (openshift/cloud-credential-operator, `generateUserName`): of a longer infraID only the tags have all.
 */
const MOST_IN_USER = 20;
const CUT_USER = /^.{20}-.+-[a-z0-9]{5}$/;

export const oneCluster = (cluster: { readonly infraId: string; readonly labId: string }): Whose => ({
  queries: [
    { key: clusterTag(cluster.infraId), value: "owned" },
    { key: ccoTag(cluster.infraId), value: "owned", onlyIam: true },
    { key: TAGS.labId, value: cluster.labId },
  ],
  mayBe: (name) => infraIdFirst(name).startsWith(`${cluster.infraId}-`),
  mayBeUser: (name) => name.startsWith(`${cluster.infraId.slice(0, MOST_IN_USER)}-`),
  isMeant: (tags, name) => {
    const said = ownedBy(tags, cluster);
    return said === "yes" || (said === "silent" && name !== null && namedAfter(infraIdFirst(name), cluster.infraId));
  },
  infraId: () => cluster.infraId,
});

export const everyCluster: Whose = {
  queries: [
    { key: `${clusterTag("")}*`, value: "owned" },
    { key: `${ccoTag("")}*`, value: "owned", onlyIam: true },
    { key: TAGS.labId, value: null },
  ],
  mayBe: (name) => infraIdInName(infraIdFirst(name)) !== null,
  mayBeUser: (name) => infraIdInName(name) !== null || CUT_USER.test(name),
  isMeant: (tags, name) =>
    owningInfraId(tags) !== null ||
    labIdOf(tags) !== null ||
    (name !== null && infraIdInName(infraIdFirst(name)) !== null),
  infraId: (tags, name) => owningInfraId(tags) ?? (name === null ? null : infraIdInName(infraIdFirst(name))),
};

/** Where a look is. */
export interface Place {
  /** As the configuration names the account, or `default`. */
  readonly account: string;
  readonly accountId: string;
  readonly partition: string;
  readonly region: string;
}

/** The region of what belongs to no region; bucket lists too, which one call answers for all regions. */
export const GLOBAL = "global";

export interface Found {
  readonly id: string;
  readonly type: string;
  readonly tags: Tags;
  readonly name?: string;
  readonly createdAt?: Date | undefined;
  readonly dailyCost?: number | null;
}

export const resourceOf = (whose: Whose, place: Place, region: string, found: Found): CloudResource => ({
  id: found.id,
  type: found.type,
  account: place.account,
  region,
  infraId: whose.infraId(found.tags, found.name ?? null),
  labId: labIdOf(found.tags),
  installation: installationOf(found.tags),
  createdAt: found.createdAt ?? null,
  dailyCost: found.dailyCost ?? null,
});
