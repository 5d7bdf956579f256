/** Calls of provisioners that never end by themselves: something else has to end them. */

import type { LabOrder, ProvisionerContext, ProvisionerVerb } from "../src/ports.ts";
import type { Fate, Mortal } from "./fate.ts";
import type { Simulation } from "./simulation.ts";

/** How long a lab's cancel or its time limit may take until its process leaves instead, milliseconds. */
const PATIENCE = 2_000;

export interface Hang {
  /** Counted when the call ends, by what ended it. */
  over(): void;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** From now on a call of this process hangs. */
export function hangs(
  sim: Simulation,
  process: Mortal,
  verb: ProvisionerVerb,
  until: Fate["kind"],
  { signal }: ProvisionerContext,
): Hang {
  sim.fault(`hang: ${verb}`);
  const waits = [until];
  process.hanging.push(until);
  const impatience = setTimeout(() => {
    waits.push("hang-drain");
    process.hanging.push("hang-drain");
  }, PATIENCE);
  return {
    over: () => {
      clearTimeout(impatience);
      for (const each of waits) process.hanging.splice(process.hanging.indexOf(each), 1);
      const reason: unknown = signal.reason;
      if (reason instanceof Error && reason.name === "TimeoutError") sim.fault("hang ended by limit");
      if (reason === "cancelled") sim.fault("hang ended by cancel");
      if (reason === "shutdown") sim.fault("hang ended by drain");
    },
  };
}

/** Resolves when somebody ended it: by a command where that is its fate, else by a time limit or by stopping its process. */
export async function untilStopped(
  sim: Simulation,
  until: Fate["kind"],
  { name }: LabOrder,
  { signal }: ProvisionerContext,
): Promise<void> {
  if (until === "hang-cancel") {
    const before = sim.cancelled.has(name);
    sim.cancelled.add(name);
    // One that ends already cannot be cancelled.
    await sim.store.cancel(name, "octocat").catch(() => {
      if (!before) sim.cancelled.delete(name);
    });
  }
  await aborted(signal);
}
