import type { Choice, LabDocument, Profile, ResolvedSpec } from "./types.ts";

const choose = (
  given: string | undefined,
  pinned: string | null | undefined,
  choice: Choice | undefined,
): string | null => given ?? (pinned === undefined ? (choice?.default ?? null) : pinned);

/**
 * A lab's specification with nothing left open.
 *
 * A field that the file leaves out takes the value pinned with the lab, so a profile's new default never reaches a
 * lab that exists (promise P12); without a lab it takes the profile's default. `protect`, `suspend` and tags have no
 * history: leaving them out means false, false and the profile's own tags, so that deleting the line takes it back.
 *
 * Pass the lab's pinned profile with its pinned spec. A pinned spec of another profile says nothing and is ignored.
 */
export const resolveSpec = (document: LabDocument, profile: Profile, pinned: ResolvedSpec | null): ResolvedSpec => {
  const { metadata, spec } = document;
  const { lifecycle, compute, tags, ...policy } = profile.spec;
  const before = pinned?.profile === spec.profile ? pinned : null;
  return {
    owner: metadata.owner,
    costCenter: metadata.costCenter,
    profile: spec.profile,
    platform: before?.platform ?? policy.platform,
    provisioner: before?.provisioner ?? policy.provisioner,
    version: choose(spec.version, before?.version, policy.openshiftVersions),
    region: choose(spec.region, before?.region, policy.regions),
    baseDomain: choose(spec.baseDomain, before?.baseDomain, policy.baseDomains),
    ttlHours: spec.ttlHours ?? before?.ttlHours ?? lifecycle.defaultTTLHours,
    workers: spec.workers ?? before?.workers ?? compute.workers.replicas,
    tags: { ...tags.defaults, ...spec.tags },
    protect: spec.protect ?? false,
    suspend: spec.suspend ?? false,
  };
};
