import { LabkeeperError } from "../errors.ts";
import type { Findings, Run, Step } from "./step.ts";

/** Carries a changed spec to a lab that serves. */
export const update: readonly Step[] = [{ name: "apply", durable: false, run: apply }];

async function apply({ order, provisioner, context }: Run, { intent, outputs }: Findings): Promise<Partial<Findings>> {
  if (!intent) throw new LabkeeperError("LK4005", "update without a recorded intent");
  const updated = await provisioner.update(order, intent, context);
  return { outputs: { ...outputs, ...updated.outputs } };
}
