import { LabkeeperError } from "../errors.ts";
import type { Findings, Run, Step } from "./step.ts";

/** Carries a changed spec to a lab that serves. */
export const update: readonly Step[] = [{ name: "apply", durable: false, run: apply }];

async function apply(run: Run, { intent, outputs }: Findings): Promise<Partial<Findings>> {
  if (!intent) throw new LabkeeperError("LK4005", "update without a recorded intent");
  await refuseSuperseded(run);
  const updated = await run.provisioner.update(run.order, intent, run.context);
  return { outputs: { ...outputs, ...updated.outputs } };
}

/** An update makes no lab, so artifacts that cannot be read do not stop it. */
async function refuseSuperseded({ intents }: Run): Promise<void> {
  await intents.refuseSuperseded().catch((error: unknown) => {
    if (error instanceof LabkeeperError && error.code === "LK6110") throw error;
  });
}
