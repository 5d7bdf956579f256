import { LabkeeperError } from "../errors.ts";
import type { ReceiptDraft } from "../ports.ts";
import { type Findings, type Run, type Step, secretKey } from "./step.ts";

/** Back to nothing, and proof of it. */
export const destroy: readonly Step[] = [
  { name: "destroy", durable: false, run: remove },
  { name: "observe", durable: false, run: observeTwice },
  { name: "clean-up", durable: false, run: cleanUp },
];

async function remove(run: Run): Promise<Partial<Findings>> {
  const intent = await run.intents.recall();
  // Without an intent nothing was made, and the provisioner may not even be there to ask.
  if (intent) await run.provisioner.destroy(run.order, intent, run.context);
  return { intent };
}

type Sighting = ReceiptDraft["observations"][number];

/** Promise P4: gone is what two looks agree on. `present` and `unknown` both send the job round again. */
async function observeTwice(run: Run, found: Findings): Promise<Partial<Findings>> {
  const first = await lookForAbsence(run, found);
  await run.pauseBetweenObservations();
  const second = await lookForAbsence(run, found);
  return { receipt: { provisioner: run.order.spec.provisioner, observations: [first, second] } };
}

async function lookForAbsence(run: Run, { intent }: Findings): Promise<Sighting> {
  const { order, context, now } = run;
  if (!intent)
    return { at: now(), verdict: "absent", evidence: ["no intent was ever recorded, so nothing was made (P2)"] };
  const seen = await run.provisioner.observe(order, intent, context);
  switch (seen.verdict) {
    case "absent":
      return { at: now(), verdict: "absent", evidence: seen.evidence };
    case "present":
      throw new LabkeeperError("LK5007", `${order.name}: ${seen.evidence.join(", ") || "something"} remains`);
    case "unknown":
      throw new LabkeeperError("LK5008", `${order.name}: ${seen.reason}`);
  }
}

/** What was only kept for the lab goes with it; logs and install state stay for those who ask later. */
async function cleanUp({ order, context, secrets, intents, removeWorkspace }: Run): Promise<Partial<Findings>> {
  // What stays remembered does no harm: the records know that this lab is gone, and the janitor tries again.
  await intents.forget().catch(() => context.log("what is remembered of the lab is not removed yet"));
  await secrets.remove(secretKey(order.id));
  await removeWorkspace();
  return {};
}
