/** A lab as provisioners are told about it, and the context they work in. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject, ProfileSpec, ResolvedSpec } from "../../src/core/types.ts";
import type { LabOrder, ProvisionerContext } from "../../src/ports.ts";

const spec: ResolvedSpec = {
  owner: "octocat",
  costCenter: "sandbox",
  profile: "rehearsal",
  platform: "simulated",
  provisioner: "simulated",
  version: "4.20.3",
  region: "us-east-1",
  baseDomain: "labs.example.com",
  ttlHours: 24,
  workers: 2,
  tags: { purpose: "test" },
  protect: false,
  suspend: false,
};

const profileSpec: ProfileSpec = {
  platform: "simulated",
  provisioner: "simulated",
  enabled: true,
  compute: {
    controlPlane: { replicas: 3, schedulable: true },
    workers: { replicas: 2, minReplicas: 0, maxReplicas: 5 },
  },
  lifecycle: {
    maxTTLHours: 72,
    defaultTTLHours: 24,
    allowCustomTTL: true,
    warnBeforeDestroyHours: 1,
    deletionGraceHours: 0,
    maxAttempts: 3,
    provisionTimeoutMinutes: 60,
  },
  tags: { required: [], defaults: {}, allowUserTags: true },
  costControls: { estimatedHourlyCost: 0 },
};

export interface OrderChanges {
  readonly id?: string;
  readonly name?: string;
  readonly spec?: Partial<ResolvedSpec>;
  readonly platformConfig?: JsonObject;
  readonly provisionTimeoutMinutes?: number;
}

export function labOrder(changes: OrderChanges = {}): LabOrder {
  const { id = "0198c0de-0000-7000-8000-000000000001", name = "team-a-test-01", platformConfig } = changes;
  const { provisionTimeoutMinutes = 60 } = changes;
  return {
    id,
    name,
    team: "team-a",
    spec: { ...spec, ...changes.spec },
    profile: {
      name: "rehearsal",
      digest: "sha256:0",
      spec: {
        ...profileSpec,
        lifecycle: { ...profileSpec.lifecycle, provisionTimeoutMinutes },
        ...(platformConfig === undefined ? {} : { platformConfig }),
      },
    },
  };
}

/** A context that keeps what it is told. */
export interface HeardContext extends ProvisionerContext {
  readonly lines: string[];
  readonly phases: { readonly phase: string; readonly percent: number | undefined }[];
}

export function hearing(workdir: string, signal: AbortSignal = new AbortController().signal): HeardContext {
  const lines: string[] = [];
  const phases: HeardContext["phases"] = [];
  return {
    signal,
    workdir,
    lines,
    phases,
    log: (line) => {
      lines.push(line);
    },
    progress: (phase, percent) => {
      phases.push({ phase, percent });
    },
  };
}

export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "labkeeper-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
