/** `platformConfig.simulated` of a profile, normalised once. Every field is described in docs/provisioners.md. */

import type { Json, ProfileSpec } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { ProvisionerVerb } from "../ports.ts";

type Verb = ProvisionerVerb;
type PerVerb = Readonly<Record<Verb, number>>;

const VERBS: readonly Verb[] = ["prepare", "install", "verify", "update", "destroy", "observe"];
const LIES = ["installedNothing", "residue", "unknown"] as const;

export interface SimulatedSettings {
  readonly latencySeconds: PerVerb;
  /** Share of the latency by which it varies, up and down. */
  readonly jitter: number;
  /** Chances, 0 to 1, each call. */
  readonly failureRate: PerVerb;
  readonly permanentFailureRate: PerVerb;
  readonly hangRate: PerVerb;
  readonly lies: Readonly<Record<(typeof LIES)[number], number>>;
}

/** About 50 ms for a whole life, nothing goes wrong. */
const DEFAULT_LATENCY: PerVerb = { prepare: 0, install: 0.03, verify: 0.005, update: 0.005, destroy: 0.01, observe: 0 };

const MAX_LATENCY_SECONDS = 24 * 3600;

/** Throws LK5003 naming the field: a rehearsal that silently simulates something else is worth nothing. */
export function simulatedSettings(platformConfig: ProfileSpec["platformConfig"]): SimulatedSettings {
  const fields = section(platformConfig?.simulated, "simulated", [
    "latencySeconds",
    "jitter",
    "failureRate",
    "permanentFailureRate",
    "hangRate",
    "lies",
  ]);
  const perVerb = (field: string, max: number, defaults?: PerVerb): PerVerb => {
    const given = section(fields[field], field, VERBS);
    const value = (verb: Verb): number => number(given[verb], `${field}.${verb}`, max) ?? defaults?.[verb] ?? 0;
    return Object.fromEntries(VERBS.map((verb) => [verb, value(verb)])) as PerVerb;
  };
  const lies = section(fields.lies, "lies", LIES);
  const lie = (name: (typeof LIES)[number]): number => number(lies[name], `lies.${name}`, 1) ?? 0;
  return {
    latencySeconds: perVerb("latencySeconds", MAX_LATENCY_SECONDS, DEFAULT_LATENCY),
    jitter: number(fields.jitter, "jitter", 1) ?? 0,
    failureRate: perVerb("failureRate", 1),
    permanentFailureRate: perVerb("permanentFailureRate", 1),
    hangRate: perVerb("hangRate", 1),
    lies: { installedNothing: lie("installedNothing"), residue: lie("residue"), unknown: lie("unknown") },
  };
}

const refuse = (field: string, why: string): LabkeeperError =>
  new LabkeeperError("LK5003", `platformConfig.simulated: ${field} ${why}`, {
    remedy: "Fix the profile's platformConfig.simulated: see docs/provisioners.md.",
  });

function section(value: Json | undefined, field: string, keys: readonly string[]): Readonly<Record<string, Json>> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(field, "must be an object");
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw refuse(field, `has an unknown field ${JSON.stringify(key)}`);
  }
  return value;
}

function number(value: Json | undefined, field: string, max: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !(value >= 0 && value <= max)) {
    throw refuse(field, `must be a number from 0 to ${max}`);
  }
  return value;
}
