import { prng } from "../core/prng.ts";
import type { JsonObject, ProfileSpec } from "../core/types.ts";
import type { LabOrder, Provisioner, ProvisionerVerb } from "../ports.ts";
import { simulatedProvisioner } from "./simulated.ts";
import type { Sleep } from "./simulated-call.ts";
import { memoryCloud } from "./simulated-cloud.ts";

export type RehearsedFaults = "none" | "some" | "many";

/** How long each call takes as a rule, seconds, by platform. */
const PACE: Readonly<Record<ProfileSpec["platform"], Readonly<Record<ProvisionerVerb, number>>>> = {
  aws: { prepare: 20, install: 2_400, verify: 20, update: 420, destroy: 600, observe: 40 },
  ibmcloud: { prepare: 20, install: 3_600, verify: 20, update: 600, destroy: 900, observe: 60 },
  local: { prepare: 0, install: 5, verify: 1, update: 1, destroy: 2, observe: 0 },
  simulated: { prepare: 0, install: 1_800, verify: 10, update: 300, destroy: 300, observe: 10 },
};

const FAULTS: Readonly<Record<RehearsedFaults, JsonObject>> = {
  none: {},
  some: {
    failureRate: { install: 0.05, update: 0.05, destroy: 0.03, verify: 0.02 },
    lies: { residue: 0.05, unknown: 0.02 },
  },
  many: {
    failureRate: { prepare: 0.05, install: 0.25, update: 0.2, destroy: 0.2, verify: 0.1 },
    permanentFailureRate: { install: 0.05 },
    lies: { installedNothing: 0.05, residue: 0.25, unknown: 0.2 },
  },
};

/** Stands in for every provisioner: as slow as the platform usually is, with faults as chosen, in memory alone. */
export function rehearsedProvisioner(options: {
  readonly seed: string;
  readonly faults: RehearsedFaults;
  readonly now: () => Date;
  readonly sleep: Sleep;
}): Provisioner {
  const { seed, faults, now, sleep } = options;
  const real = simulatedProvisioner({ cloud: memoryCloud(), seed, now, sleep });
  const incarnations = new Map<string, string[]>();
  const order = (lab: LabOrder): LabOrder => {
    // Luck goes by name and incarnation: ids are drawn anew in each rehearsal.
    const ids = incarnations.get(lab.name) ?? [];
    if (!ids.includes(lab.id)) incarnations.set(lab.name, [...ids, lab.id]);
    const id = `${lab.name}-${incarnations.get(lab.name)?.indexOf(lab.id)}`;
    const { spec } = lab.profile;
    const slower = 1 + 0.15 * (2 * prng(seed, id, "pace")() - 1);
    const latencySeconds = Object.fromEntries(
      Object.entries(PACE[spec.platform]).map(([verb, seconds]) => [verb, seconds * slower]),
    );
    const platformConfig = { simulated: { latencySeconds, ...FAULTS[faults] } };
    return { ...lab, id, profile: { ...lab.profile, spec: { ...spec, platformConfig } } };
  };
  return {
    prepare: (lab, ...rest) => real.prepare(order(lab), ...rest),
    install: (lab, ...rest) => real.install(order(lab), ...rest),
    verify: (lab, ...rest) => real.verify(order(lab), ...rest),
    update: (lab, ...rest) => real.update(order(lab), ...rest),
    destroy: (lab, ...rest) => real.destroy(order(lab), ...rest),
    observe: (lab, ...rest) => real.observe(order(lab), ...rest),
  };
}
