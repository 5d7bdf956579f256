import { digestOf } from "../../src/core/canonical.ts";
import type { GuardFacts } from "../../src/core/guard-facts.ts";
import type { PlanInput } from "../../src/core/plan.ts";
import { resolveSpec } from "../../src/core/resolve.ts";
import type {
  CatalogPolicy,
  Comparison,
  DesiredFile,
  Lab,
  LabDocument,
  LabState,
  Profile,
  ProfileSpec,
  ResolvedSpec,
  TeamPolicy,
} from "../../src/core/types.ts";

export const NOW = new Date("2026-03-01T12:00:00Z");
export const COMMIT = "c".repeat(40);
export const PREVIOUS = "a".repeat(40);

export const hoursFromNow = (hours: number): Date => new Date(NOW.getTime() + hours * 3_600_000);

export const profileOf = (name = "standard", change: Partial<ProfileSpec> = {}): Profile => {
  const spec: ProfileSpec = {
    platform: "aws",
    provisioner: "openshift",
    enabled: true,
    openshiftVersions: { allowlist: ["4.20.3", "4.21.0"], default: "4.20.3" },
    regions: { allowlist: ["us-east-1", "eu-west-1"], default: "us-east-1" },
    baseDomains: { allowlist: ["labs.example.com"], default: "labs.example.com" },
    compute: {
      controlPlane: { replicas: 3, schedulable: true },
      workers: { replicas: 3, minReplicas: 0, maxReplicas: 6 },
    },
    lifecycle: {
      maxTTLHours: 72,
      defaultTTLHours: 24,
      allowCustomTTL: true,
      warnBeforeDestroyHours: 4,
      deletionGraceHours: 0,
      maxAttempts: 3,
      provisionTimeoutMinutes: 90,
    },
    tags: { required: [], defaults: { origin: "labkeeper" }, allowUserTags: true },
    costControls: { estimatedHourlyCost: 1.2 },
    ...change,
  };
  return { name, digest: digestOf(spec), spec };
};

export const withGrace = (hours: number): Profile =>
  profileOf("standard", { lifecycle: { ...profileOf().spec.lifecycle, deletionGraceHours: hours } });

export interface DocumentChange {
  readonly metadata?: Partial<LabDocument["metadata"]>;
  readonly spec?: Partial<LabDocument["spec"]>;
}

export const documentOf = (name: string, { metadata, spec }: DocumentChange = {}): LabDocument => ({
  apiVersion: "labkeeper.dev/v1",
  kind: "Lab",
  metadata: { name, team: "red", owner: "octocat", costCenter: "sandbox", ...metadata },
  spec: { profile: "standard", ...spec },
});

export const fileOf = (name: string, change: DocumentChange = {}, path?: string): DesiredFile => {
  const document = documentOf(name, change);
  const { team } = document.metadata;
  const digest = digestOf(document);
  return {
    path: path ?? `labs/${team}/${name}.yaml`,
    blobOid: digest.slice(7, 47),
    name,
    mayBe: [name],
    team,
    document,
    digest,
    problems: [],
  };
};

export const refusedFile = (name: string, code = "LK2004", team = "red"): DesiredFile => {
  const path = `labs/${team}/${name}.yaml`;
  return {
    path,
    blobOid: "f".repeat(40),
    name,
    mayBe: [name],
    team,
    document: null,
    digest: null,
    problems: [{ path, line: 3, column: 5, code, message: "it is broken", remedy: "mend it" }],
  };
};

const STARTED: ReadonlySet<LabState> = new Set(["ready", "updating", "hibernating", "hibernated", "resuming"]);

/** A lab that was made of `fileOf(name, change)`. */
export const labOf = (
  name: string,
  change: Partial<Lab> = {},
  document: DocumentChange = {},
  policy = profileOf(),
): Lab => {
  const file = fileOf(name, document);
  const state = change.state ?? "ready";
  const readyAt = STARTED.has(state) ? hoursFromNow(-1) : null;
  return {
    id: `id-${name}`,
    name,
    team: file.team,
    state,
    stateSince: hoursFromNow(-1),
    spec: resolveSpec(documentOf(name, document), policy, null),
    policy,
    path: file.path,
    commit: PREVIOUS,
    documentDigest: file.digest ?? "",
    failedDigest: null,
    resourceVersion: 1,
    intent: null,
    createdAt: hoursFromNow(-2),
    readyAt,
    expiresAt: readyAt === null ? null : hoursFromNow(23),
    leaving: null,
    destroyCause: null,
    failure: null,
    ...change,
  };
};

export const suspend = (spec: ResolvedSpec): ResolvedSpec => ({ ...spec, suspend: true });
export const protect = (spec: ResolvedSpec): ResolvedSpec => ({ ...spec, protect: true });

export const policyOf = (
  change: {
    readonly teams?: readonly TeamPolicy[];
    readonly guards?: Partial<CatalogPolicy["guards"]>;
    readonly profiles?: readonly Profile[];
  } = {},
): CatalogPolicy => ({
  teams: new Map((change.teams ?? [{ name: "red" }, { name: "blue" }]).map((team) => [team.name, team])),
  guards: { maxDestroys: 5, maxDestroyPercent: 25, windowHours: 24, freezeWindows: [], ...change.guards },
  profiles: new Map((change.profiles ?? [profileOf()]).map((profile) => [profile.name, profile])),
  digest: "sha256:policy",
});

export const factsOf = (change: Partial<GuardFacts> = {}): GuardFacts => ({
  liveLabs: 5,
  liveLabsByTeam: new Map(),
  monthlyCostByTeam: new Map(),
  recentDestroys: 0,
  catalogFiles: 5,
  historyRewritten: false,
  approvedHolds: new Set(),
  ...change,
});

export const compared = (
  name: string,
  lab: Lab | null,
  files: readonly DesiredFile[],
  job: Comparison["job"] = null,
): Comparison => ({ name, files, lab, job });

export const inputOf = (comparisons: readonly Comparison[], change: Partial<PlanInput> = {}): PlanInput => ({
  comparisons,
  policy: policyOf(),
  commit: COMMIT,
  previousCommit: PREVIOUS,
  problems: [],
  unchanged: 0,
  now: NOW,
  ...change,
});
