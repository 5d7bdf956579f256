/**
 * How a cloud resource says whose it is. The installer writes labkeeper's tags as `userTags` on everything it makes;
 * OpenShift adds its own. Looks, sweeps and removals compare with exactly these, never with patterns of names.
 */

/** Tag keys that labkeeper gives a lab's resources. */
export const TAGS = {
  labId: "labkeeper.dev/lab-id",
  lab: "labkeeper.dev/lab",
  team: "labkeeper.dev/team",
  owner: "labkeeper.dev/owner",
  costCenter: "labkeeper.dev/cost-center",
  expiresAt: "labkeeper.dev/expires-at",
  installation: "labkeeper.dev/installation",
} as const;

export interface Ownership {
  readonly labId: string;
  readonly lab: string;
  readonly team: string;
  readonly owner: string;
  readonly costCenter: string;
  /** ISO 8601; null: it does not expire. */
  readonly expiresAt: string | null;
  /** Which labkeeper made it: several may work in one account. Null: not told. */
  readonly installation: string | null;
}

/** The tags of a lab's resources, sorted by key. */
export const ownershipTags = (of: Ownership): Readonly<Record<string, string>> => ({
  [TAGS.costCenter]: of.costCenter,
  ...(of.expiresAt === null ? {} : { [TAGS.expiresAt]: of.expiresAt }),
  ...(of.installation === null ? {} : { [TAGS.installation]: of.installation }),
  [TAGS.lab]: of.lab,
  [TAGS.labId]: of.labId,
  [TAGS.owner]: of.owner,
  [TAGS.team]: of.team,
});

const CLUSTER = "kubernetes.io/cluster/";
/** `ccoctl` marks what it makes outside of the cluster with this, followed by the name it was given: the infraID. */
const CCO = "openshift.io/cloud-credential-operator/";

/** The tag whose value is `owned` on what a cluster made, and `shared` on what it was given and must survive it. */
export const clusterTag = (infraId: string): string => `${CLUSTER}${infraId}`;
export const ccoTag = (infraId: string): string => `${CCO}${infraId}`;

export type Tags = Readonly<Record<string, string>>;

/** The infraID of the cluster that owns a resource with these tags; null when none does. */
export function owningInfraId(tags: Tags): string | null {
  for (const [key, value] of Object.entries(tags)) {
    if (value !== "owned") continue;
    if (key.startsWith(CLUSTER)) return key.slice(CLUSTER.length) || null;
    if (key.startsWith(CCO)) return key.slice(CCO.length) || null;
  }
  return null;
}

export const labIdOf = (tags: Tags): string | null => tags[TAGS.labId] || null;
export const installationOf = (tags: Tags): string | null => tags[TAGS.installation] || null;

/**
 * What tags say about exactly one lab and its cluster: `silent` when they name none. One match is enough: an earlier
 * attempt left another infraID under the same lab id, and it is this lab's to answer for. What is shared is nobody's.
 */
export function ownedBy(tags: Tags, cluster: { infraId: string; labId: string }): "yes" | "no" | "silent" {
  const [infraId, labId] = [owningInfraId(tags), labIdOf(tags)];
  if (infraId === cluster.infraId || labId === cluster.labId) return "yes";
  const named = infraId !== null || labId !== null || Object.keys(tags).some((key) => key.startsWith(CLUSTER));
  return named ? "no" : "silent";
}

/** Kubernetes' alphabet for random names (apimachinery `util/rand`): no vowels and nothing easily confused. */
const RANDOM = "[bcdfghjklmnpqrstvwxz2456789]{5}";
const INFRA_ID = /^[a-z0-9](?:[a-z0-9-]{0,24}[a-z0-9])?-[a-z0-9]{5}$/;
const RANDOM_PART = new RegExp(`^${RANDOM}$`);
const ANOTHERS = new RegExp(`(?:^|-)${RANDOM}-`);

/**
 * Whether this is an infraID as the installer makes them: the cluster's name cut to 21 characters, a dash and five random
 * characters (openshift/installer `pkg/asset/installconfig/clusterid.go`). Holds no wildcard of any cloud's filters.
 */
export const isInfraId = (text: string): boolean => INFRA_ID.test(text);

/**
 * Whether an untagged resource with this name is the cluster's. `demo-abcde` and a cluster *named* `demo-abcde`, whose
 * infraID is `demo-abcde-fghjk`, share a prefix: what follows it must not hold another random part.
 */
export function namedAfter(name: string, infraId: string): boolean {
  if (infraId === "" || !name.startsWith(`${infraId}-`)) return false;
  return !ANOTHERS.test(name.slice(infraId.length + 1));
}

/** The infraID that a name of something an installer made begins with (the longest one); null when it has none. */
export function infraIdInName(name: string): string | null {
  let found: string | null = null;
  let end = -1;
  for (const part of name.split("-").slice(0, -1)) {
    const start = end + 1;
    end = start + part.length;
    if (start > 0 && RANDOM_PART.test(part)) found = name.slice(0, end);
  }
  return found !== null && isInfraId(found) ? found : null;
}
