/** One call of the simulated provisioner: its luck, its pace and its failures. */

import { setTimeout as delay } from "node:timers/promises";
import { prng } from "../core/prng.ts";
import { LabkeeperError } from "../errors.ts";
import type { LabOrder, ProvisionerContext, ProvisionerVerb } from "../ports.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import { type SimulatedSettings, simulatedSettings } from "./simulated-settings.ts";

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Percent done when it begins, share of the whole time, name for people, line for the log. */
export type Phase = readonly [percent: number, share: number, name: string, line: string];

/** What a call's luck did to it, when it came about. */
export interface Mishap {
  readonly verb: ProvisionerVerb;
  readonly kind: "failure" | "permanent failure" | "hang" | "partial" | "installedNothing" | "residue" | "unknown";
}

export interface SimulatedCall {
  /** True with this chance; the n-th question of a call gets the n-th number. */
  readonly lies: { readonly installedNothing: boolean; readonly residue: boolean; readonly unknown: boolean };
  /** The phase, by index, in which it fails; null when it does not. */
  readonly failsIn: number | null;
  /** Spends the verb's latency over its phases, and fails or hangs where the draw says so. */
  pass(): Promise<void>;
}

export const realSleep: Sleep = async (ms, signal) => {
  await delay(ms, undefined, { signal });
};

/** Same seed, lab, verb and number of the call: same luck. */
export async function beginCall(
  verb: ProvisionerVerb,
  lab: LabOrder,
  infraID: string,
  context: ProvisionerContext,
  edge: {
    readonly cloud: SimulatedCloud;
    readonly seed: string;
    readonly sleep: Sleep;
    readonly onMishap?: (mishap: Mishap) => void;
  },
  phases: readonly Phase[],
): Promise<SimulatedCall> {
  const settings = simulatedSettings(lab.profile.spec.platformConfig);
  const random = isCertain(settings, verb)
    ? () => 1
    : prng(edge.seed, lab.id, verb, await edge.cloud.count(infraID, verb));
  // Drawn always and in this order, so that changing one setting does not change the luck of the others.
  const [hang, permanent, failure, nothing, residue, unknown, jitter, where] = Array.from({ length: 8 }, random);
  const hit = (draw: number | undefined, chance: number): boolean => draw !== undefined && draw < chance;
  const latencyMs = settings.latencySeconds[verb] * 1000 * (1 + settings.jitter * (2 * (jitter ?? 0.5) - 1));
  const wait = (pause: Promise<void>): Promise<void> => interruptible(pause, verb, lab, context.signal);

  let end: "fine" | "hang" | "LK5002" | "LK5003" = "fine";
  if (hit(failure, settings.failureRate[verb])) end = "LK5002";
  if (hit(permanent, settings.permanentFailureRate[verb])) end = "LK5003";
  if (hit(hang, settings.hangRate[verb])) end = "hang";

  const fatal = Math.floor((where ?? 0) * phases.length);
  const suffered = (kind: Mishap["kind"]): void => edge.onMishap?.({ verb, kind });

  const pass = async (): Promise<void> => {
    for (const [index, [percent, share, name, line]] of phases.entries()) {
      if (context.signal.aborted) throw interrupted(verb, lab);
      context.progress(name, percent);
      context.log(line);
      if (latencyMs * share > 0) await wait(edge.sleep(latencyMs * share, context.signal));
      if (end === "fine" || index !== fatal) continue;
      suffered(end === "hang" ? end : end === "LK5002" ? "failure" : "permanent failure");
      if (end !== "hang") throw new LabkeeperError(end, `simulated ${verb} of ${lab.name} failed while ${name}`);
      await wait(aborted(context.signal));
    }
  };
  const lies = {
    installedNothing: hit(nothing, settings.lies.installedNothing),
    residue: hit(residue, settings.lies.residue),
    unknown: hit(unknown, settings.lies.unknown),
  };
  return { lies, failsIn: end === "LK5002" || end === "LK5003" ? fatal : null, pass };
}

/** Nothing to draw: spares the count, which costs a file operation. */
function isCertain(settings: SimulatedSettings, verb: ProvisionerVerb): boolean {
  const chances = [settings.failureRate[verb], settings.permanentFailureRate[verb], settings.hangRate[verb]];
  return settings.jitter === 0 && [...chances, ...Object.values(settings.lies)].every((chance) => chance === 0);
}

const interrupted = (verb: string, lab: LabOrder): LabkeeperError =>
  new LabkeeperError("LK5009", `simulated ${verb} of ${lab.name} was stopped`);

async function interruptible(wait: Promise<void>, verb: string, lab: LabOrder, signal: AbortSignal): Promise<void> {
  try {
    await wait;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (signal.aborted) throw interrupted(verb, lab);
}

/** What a hang waits for. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
