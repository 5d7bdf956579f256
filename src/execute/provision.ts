import { LabkeeperError } from "../errors.ts";
import { type Findings, type Run, type Step, secretKey } from "./step.ts";

/** From nothing to a lab that answers with its stored credentials. */
export const provision: readonly Step[] = [
  { name: "preflight", durable: false, run: preflight },
  { name: "record-intent", durable: true, run: recordIntent },
  { name: "install", durable: false, run: install },
  { name: "store-credentials", durable: true, run: storeCredentials },
  { name: "verify", durable: false, run: verify },
];

/** Before anything exists: what cannot succeed is refused, and what the lab will take is reserved. */
async function preflight({ intents, order, provisioner, context, reserve }: Run): Promise<Partial<Findings>> {
  await intents.refuseSuperseded();
  const intent = await intents.recall();
  // A lab whose intent is recorded may exist in part: it is gone on with, and what it took is counted already.
  if (intent === null) await reserve((await provisioner.preflight?.(order, context)) ?? []);
  return { intent };
}

/** Promise P2: what a destroy will need is in Postgres and among the artifacts before the first call that makes something. */
async function recordIntent(
  { intents, order, provisioner, context }: Run,
  { intent: known }: Findings,
): Promise<Partial<Findings>> {
  const intent = known ?? (await provisioner.prepare(order, context));
  await intents.record(intent);
  return { intent };
}

async function install(run: Run): Promise<Partial<Findings>> {
  await run.intents.refuseSuperseded();
  const intent = await run.intents.recall();
  if (!intent) throw new LabkeeperError("LK4005", "install without a recorded intent");
  const installed = await run.provisioner.install(run.order, intent, run.context);
  run.learnSecrets(installed);
  return { intent, ...installed };
}

async function storeCredentials(
  { order, secrets, recordOutputs }: Run,
  { credentials, outputs }: Findings,
): Promise<Partial<Findings>> {
  if (!credentials) throw new LabkeeperError("LK5005", "install answered no credentials");
  await secrets.put(secretKey(order.id), credentials);
  await recordOutputs(outputs);
  return {};
}

/** Promise P5: what is proven to work is what was stored, not what was in memory. */
async function verify({ order, provisioner, context, secrets }: Run, { intent }: Findings): Promise<Partial<Findings>> {
  const stored = await secrets.get(secretKey(order.id));
  if (!stored || !intent)
    throw new LabkeeperError("LK6002", `the credentials of ${order.name} are not there after storing them`);
  await provisioner.verify(order, intent, stored, context);
  return {};
}
