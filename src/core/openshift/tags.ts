/** The tags that the installer is told to put on everything it makes. */

import { ownershipTags } from "../ownership.ts";
import type { ResolvedSpec } from "../types.ts";

/** OpenShift keeps 25 of the 50 tags of a resource for itself (docs.openshift.com, "Customizing AWS tags"). */
export const MOST_TAGS = 25;

export interface TagSubject {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly spec: Pick<ResolvedSpec, "owner" | "costCenter" | "tags">;
  /** When the lab is over at the latest: its time runs from ready, and becoming ready takes a while. */
  readonly expiresAt: Date;
  readonly installation: string;
}

/** Labkeeper's own tags and the lab's; labkeeper's win. A tag without a value says nothing and is refused by AWS' API. */
export function labTags({ id, name, team, spec, expiresAt, installation }: TagSubject): Record<string, string> {
  const own = ownershipTags({
    labId: id,
    lab: name,
    team,
    owner: spec.owner,
    costCenter: spec.costCenter,
    expiresAt: expiresAt.toISOString(),
    installation,
  });
  const all = Object.entries({ ...spec.tags, ...own }).filter(([, value]) => value !== "");
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}
