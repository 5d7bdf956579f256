/** The simulated provisioner as a process of the simulation has it: weather, luck, and a watch over each call. */

import type { JsonObject } from "../src/core/types.ts";
import { LabkeeperError } from "../src/errors.ts";
import type { LabOrder, Provisioner, ProvisionerContext, ProvisionerVerb, ResourceNeed } from "../src/ports.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import type { Mishap } from "../src/provisioners/simulated-call.ts";
import type { Fate, Mortal } from "./fate.ts";
import { type Hang, hangs, untilStopped } from "./hangs.ts";
import type { Simulation } from "./simulation.ts";
import { Violation } from "./violation.ts";

const VERBS: readonly ProvisionerVerb[] = ["prepare", "install", "verify", "update", "destroy", "observe"];

/** As the lab's profile says, with the day's weather over it, and luck by name and incarnation instead of the random id. */
function today(sim: Simulation, order: LabOrder): LabOrder {
  const ids = sim.incarnations.get(order.name) ?? [];
  if (!ids.includes(order.id)) sim.incarnations.set(order.name, [...ids, order.id]);
  const id = `${order.name}-${sim.incarnations.get(order.name)?.indexOf(order.id)}`;
  const { spec } = order.profile;
  const usual = spec.platformConfig?.["simulated"] as JsonObject | undefined;
  const platformConfig = { simulated: { ...usual, ...sim.weather } };
  return { ...order, id, profile: { ...order.profile, spec: { ...spec, platformConfig } } };
}

/** P3 as the cloud sees it: no two living processes work on one lab at the same time. */
async function alone<T>(
  sim: Simulation,
  process: Mortal,
  id: string,
  verb: string,
  work: () => Promise<T>,
): Promise<T> {
  const others = sim.running.get(id) ?? new Set();
  sim.running.set(id, others);
  const other = [...others].find((each) => each.process !== process && each.process.state === "alive");
  if (other)
    sim.wrong.push(new Violation("P3", `${process.name} began ${verb} during ${other.process.name}'s ${other.verb}`));
  const self = { process, verb };
  others.add(self);
  try {
    return await work();
  } finally {
    others.delete(self);
  }
}

function count(sim: Simulation, { verb, kind }: Mishap): void {
  if (kind === "failure") sim.fault("call failed");
  else if (kind === "permanent failure") sim.fault("call failed for good");
  else if (kind === "partial") sim.fault(`partial ${verb as "install" | "update" | "destroy"}`);
  else if (kind !== "hang") sim.fault(`lie: ${kind}`);
}

/** Enough for everybody: what is looked at is that it is reserved under a lease. */
const NEEDS: readonly ResourceNeed[] = [{ scope: "simulated", resource: "machines", need: 3, limit: 100_000, used: 0 }];

type Call = (order: LabOrder, ...rest: unknown[]) => Promise<unknown>;

export function provisionerOf(sim: Simulation, process: Mortal): Provisioner {
  const cloud = process.port("cloud", {
    ...sim.cloud,
    write: async (cluster: Parameters<typeof sim.cloud.write>[0]) => {
      const recorded = await sim.sql("select 1 from labs where intent ->> 'infraID' = $1", [cluster.infraID]);
      if (recorded.length === 0)
        sim.wrong.push(new Violation("P2", `${cluster.infraID} is made before its intent is recorded`));
      await sim.cloud.write(cluster);
    },
  });
  const called = async (verb: ProvisionerVerb, order: LabOrder, rest: readonly unknown[]): Promise<unknown> => {
    const context = rest.at(-1) as ProvisionerContext;
    let hang: Hang | null = null;
    const begin = (until: Fate["kind"]): void => {
      hang = hangs(sim, process, verb, until, context);
    };
    const real = simulatedProvisioner({
      cloud,
      seed: `simulate-${sim.seed}`,
      onMishap: (mishap) => (mishap.kind === "hang" ? begin("hang-drain") : count(sim, mishap)),
    });
    try {
      const until = process.inside("provisioner", verb);
      if (until === null) return await (real[verb] as Call)(today(sim, order), ...rest);
      begin(until);
      await untilStopped(sim, until, order, context);
      throw new LabkeeperError("LK5009", `${verb} of ${order.name} was stopped`);
    } finally {
      (hang as Hang | null)?.over();
    }
  };
  const verbs = VERBS.map((verb) => {
    const call: Call = (order, ...rest) => alone(sim, process, order.id, verb, () => called(verb, order, rest));
    return [verb, call] as const;
  });
  const provisioner = { preflight: async () => NEEDS, ...Object.fromEntries(verbs) };
  return process.port("provisioner", provisioner as unknown as Provisioner);
}
