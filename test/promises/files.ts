/** The documents of a catalog, as people write them. */

import type { GuardSettings, LabDocument, ProfileSpec, TeamPolicy } from "../../src/core/types.ts";
import type { Files } from "../../standins/git/repository.ts";

export interface LabChange {
  readonly team?: string;
  readonly owner?: string;
  readonly ending?: "yaml" | "yml";
  readonly spec?: Partial<LabDocument["spec"]>;
}

export const labPath = (name: string, { team = "team-a", ending = "yaml" }: LabChange = {}): string =>
  `labs/${team}/${name}.${ending}`;

/** A lab's file, to be spread into a commit. */
export const lab = (name: string, change: LabChange = {}): Files => ({
  [labPath(name, change)]: labText(name, change),
});

export const labText = (name: string, { team = "team-a", owner = "octocat", spec = {} }: LabChange = {}): string => `\
apiVersion: labkeeper.dev/v1
kind: Lab
metadata:
  name: ${name}
  team: ${team}
  owner: ${owner}
  costCenter: sandbox
spec: ${JSON.stringify({ profile: "quick", ...spec })}
`;

export const labs = (names: readonly string[], change: LabChange = {}): Files =>
  Object.assign({}, ...names.map((name) => lab(name, change)));

/** Removes files of labs. */
export const gone = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [labPath(name), null]));

export const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(2, "0")}`);

export const catalogFile = (
  teams: readonly Partial<TeamPolicy>[] = [{ name: "team-a" }, { name: "team-b" }],
  guards: Partial<GuardSettings> = {},
): string => `\
apiVersion: labkeeper.dev/v1
kind: Catalog
spec: ${JSON.stringify({ teams, guards })}
`;

const LIFECYCLE: ProfileSpec["lifecycle"] = {
  maxTTLHours: 168,
  defaultTTLHours: 24,
  allowCustomTTL: true,
  warnBeforeDestroyHours: 2,
  deletionGraceHours: 0,
  maxAttempts: 3,
  provisionTimeoutMinutes: 5,
};

export type ProfileChange = Partial<Omit<ProfileSpec, "lifecycle">> & {
  readonly lifecycle?: Partial<ProfileSpec["lifecycle"]>;
};

/** A simulated profile that takes no time. */
export const profileFile = (name: string, { lifecycle, ...spec }: ProfileChange = {}): string => `\
apiVersion: labkeeper.dev/v1
kind: Profile
metadata: { name: ${name} }
spec: ${JSON.stringify({
  platform: "simulated",
  provisioner: "simulated",
  enabled: true,
  openshiftVersions: { allowlist: ["4.20.2", "4.20.3"], default: "4.20.3" },
  compute: {
    controlPlane: { replicas: 3, schedulable: true },
    workers: { replicas: 0, minReplicas: 0, maxReplicas: 5 },
  },
  lifecycle: { ...LIFECYCLE, ...lifecycle },
  tags: { required: [], defaults: {}, allowUserTags: true },
  costControls: { estimatedHourlyCost: 1 },
  platformConfig: { simulated: { latencySeconds: { install: 0, verify: 0, update: 0, destroy: 0 } } },
  ...spec,
})}
`;
