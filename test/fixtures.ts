/** Small whole values for tests; each takes what the test is about and fills in the rest. */

import { digestOf } from "../src/core/canonical.ts";
import type { GuardFacts } from "../src/core/guard-facts.ts";
import { makePlan } from "../src/core/plan.ts";
import type {
  CatalogPolicy,
  Comparison,
  DesiredFile,
  LabDocument,
  Plan,
  Profile,
  ProfileSpec,
  TeamPolicy,
} from "../src/core/types.ts";
import type { DesiredChanges } from "../src/ports.ts";

export const COMMIT = "a".repeat(40);
export const commitNumber = (n: number): string => n.toString(16).padStart(40, "0");

export function aProfile(name = "simulated", change: Partial<ProfileSpec> = {}): Profile {
  const spec: ProfileSpec = {
    platform: "simulated",
    provisioner: "simulated",
    enabled: true,
    compute: {
      controlPlane: { replicas: 3, schedulable: true },
      workers: { replicas: 0, minReplicas: 0, maxReplicas: 5 },
    },
    lifecycle: {
      maxTTLHours: 72,
      defaultTTLHours: 24,
      allowCustomTTL: true,
      warnBeforeDestroyHours: 2,
      deletionGraceHours: 0,
      maxAttempts: 3,
      provisionTimeoutMinutes: 10,
    },
    tags: { required: [], defaults: {}, allowUserTags: true },
    costControls: { estimatedHourlyCost: 1 },
    ...change,
  };
  return { name, digest: digestOf(spec), spec };
}

export function aPolicy(
  change: { profiles?: Profile[]; teams?: TeamPolicy[]; guards?: Partial<CatalogPolicy["guards"]> } = {},
): CatalogPolicy {
  const profiles = change.profiles ?? [aProfile()];
  const teams = change.teams ?? [{ name: "team-a" }, { name: "team-b" }];
  return {
    teams: new Map(teams.map((team) => [team.name, team])),
    guards: { maxDestroys: 1_000_000, maxDestroyPercent: 100, windowHours: 24, freezeWindows: [], ...change.guards },
    profiles: new Map(profiles.map((profile) => [profile.name, profile])),
    digest: digestOf([profiles.map(({ digest }) => digest), teams]),
  };
}

export function aLabFile(
  name: string,
  change: { team?: string; owner?: string; spec?: Partial<LabDocument["spec"]>; path?: string } = {},
): DesiredFile {
  const team = change.team ?? "team-a";
  const document: LabDocument = {
    apiVersion: "labkeeper.dev/v1",
    kind: "Lab",
    metadata: { name, team, owner: change.owner ?? "octocat", costCenter: "sandbox" },
    spec: { profile: "simulated", ...change.spec },
  };
  const digest = digestOf(document);
  return {
    path: change.path ?? `labs/${team}/${name}.yaml`,
    blobOid: digest.slice(-40),
    name,
    mayBe: [name],
    team,
    document,
    digest,
    problems: [],
  };
}

export function aRefusedFile(name: string, mayBe: readonly string[] = [name], team = "team-a"): DesiredFile {
  const path = `labs/${team}/${name}.yaml`;
  return {
    path,
    blobOid: "b".repeat(40),
    name,
    mayBe,
    team,
    document: null,
    digest: null,
    problems: [{ path, line: 1, column: 1, code: "LK2001", message: "broken", remedy: "mend it" }],
  };
}

/** The whole catalog at a commit. */
export const wholeCatalog = (files: readonly DesiredFile[], commit = COMMIT): DesiredChanges => ({
  commit,
  policyDigest: "sha256:policy",
  files,
  removed: [],
  complete: true,
});

export const facts = (change: Partial<GuardFacts> = {}): GuardFacts => ({
  liveLabs: 0,
  liveLabsByTeam: new Map(),
  monthlyCostByTeam: new Map(),
  recentDestroys: 0,
  catalogFiles: 1,
  historyRewritten: false,
  approvedHolds: new Set(),
  ...change,
});

/** An unguarded plan over comparisons. */
export const planOf = (
  comparisons: readonly Comparison[],
  change: { policy?: CatalogPolicy; commit?: string; now?: Date } = {},
): Plan =>
  makePlan({
    comparisons,
    policy: change.policy ?? aPolicy(),
    commit: change.commit ?? COMMIT,
    previousCommit: null,
    problems: [],
    unchanged: 0,
    now: change.now ?? new Date(),
  });
