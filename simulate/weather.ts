/** The simulated provisioner as a process of the simulation has it: weather, luck, and a watch over each call. */

import type { JsonObject } from "../src/core/types.ts";
import type { LabOrder, Provisioner, ProvisionerVerb } from "../src/ports.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import type { Mortal } from "./fate.ts";
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
  const real = simulatedProvisioner({ cloud, seed: `simulate-${sim.seed}` });
  const verbs = VERBS.map((verb) => {
    const call = real[verb] as (order: LabOrder, ...rest: unknown[]) => Promise<unknown>;
    return [
      verb,
      (order: LabOrder, ...rest: unknown[]) =>
        alone(sim, process, order.id, verb, () => call(today(sim, order), ...rest)),
    ] as const;
  });
  return process.port("provisioner", Object.fromEntries(verbs) as unknown as Provisioner);
}
