/**
 * Clusters that are only said to be there: seeded pace, failures and lies, for rehearsals, load and model tests.
 * It keeps the same promises as a real provisioner; what it lies about is what real installers were caught at.
 */

import type { JsonObject, Observation } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Credentials, LabOrder, Provisioner, ProvisionerContext, ProvisionerVerb } from "../ports.ts";
import { beginCall, type Mishap, type Phase, realSleep, type SimulatedCall, type Sleep } from "./simulated-call.ts";
import type { JournalEntry, SimulatedCloud, SimulatedCluster } from "./simulated-cloud.ts";
import { apiUrl, cluster, hashOf, newCredentials, newInfraId, outputs } from "./simulated-cluster.ts";

export interface SimulatedOptions {
  /** `folderCloud(stateDir)`, or `memoryCloud()` where nothing need outlive the process. */
  readonly cloud: SimulatedCloud;
  readonly seed: string;
  readonly now?: () => Date;
  readonly sleep?: Sleep;
  /** Told of each failure, hang and lie that comes about, for those who count them. */
  readonly onMishap?: (mishap: Mishap) => void;
}

const INSTALL: readonly Phase[] = [
  [0, 0.1, "creating infrastructure", "Creating infrastructure resources..."],
  [10, 0.15, "waiting for the Kubernetes API", "Waiting up to 20m0s for the Kubernetes API..."],
  [25, 0.25, "waiting for bootstrap", "Waiting up to 45m0s for bootstrapping to complete..."],
  [50, 0.1, "removing the bootstrap node", "Destroying the bootstrap resources..."],
  [60, 0.3, "waiting for operators", "Waiting up to 40m0s for the cluster to initialize..."],
  [
    90,
    0.1,
    "checking that operators are stable",
    "Checking to see if there is a route at openshift-console/console...",
  ],
];
const UPDATE: readonly Phase[] = [[0, 1, "applying changes", "Applying machine sets and tags..."]];
const DESTROY: readonly Phase[] = [
  [0, 0.6, "deleting machines", "Deleting instances and load balancers..."],
  [60, 0.4, "deleting network and DNS", "Deleting network, DNS records and roles..."],
];
/** Prepare, verify and observe take one look. */
const look = (name: string): readonly Phase[] => [[0, 1, name, `${name}...`]];

export function simulatedProvisioner(options: SimulatedOptions): Provisioner {
  const { cloud, seed, now = () => new Date(), sleep = realSleep, onMishap = () => undefined } = options;
  const begin = (
    verb: ProvisionerVerb,
    lab: LabOrder,
    infraID: string,
    context: ProvisionerContext,
    phases: readonly Phase[],
  ) => beginCall(verb, lab, infraID, context, { cloud, seed, sleep, onMishap }, phases);
  const note = (lab: LabOrder, infraID: string, event: JournalEntry["event"], detail?: JsonObject) =>
    cloud.note({ at: now().toISOString(), lab: lab.name, infraID, event, ...(detail === undefined ? {} : { detail }) });

  const prepare = async (lab: LabOrder, context: ProvisionerContext): Promise<JsonObject> => {
    const infraID = newInfraId(lab, seed);
    await cloud.open();
    await (await begin("prepare", lab, infraID, context, look("choosing an infrastructure id"))).pass();
    return { infraID, platform: "simulated", tags: { [`kubernetes.io/cluster/${infraID}`]: "owned" } };
  };

  const install = async (lab: LabOrder, infraID: string, context: ProvisionerContext) => {
    const call = await begin("install", lab, infraID, context, INSTALL);
    if (call.lies.installedNothing) {
      await call.pass();
      onMishap({ verb: "install", kind: "installedNothing" });
      await note(lab, infraID, "lied", { verb: "install" });
      return { outputs: outputs(lab, infraID), credentials: newCredentials(lab) };
    }
    const existing = await cloud.read(infraID);
    if (existing?.state !== "running") {
      const begun = cluster(lab, infraID, "installing", null);
      await cloud.write(call.failsIn === null ? begun : partOf(begun, (call.failsIn + 1) / INSTALL.length));
      await note(lab, infraID, "creating");
      await passOrNote(call, async () => {
        if (call.failsIn !== null) onMishap({ verb: "install", kind: "partial" });
        await note(lab, infraID, "failed", { verb: "install" });
      });
    }
    // Only the hash was kept, so a repeated install hands out new credentials, as a real one that lost them would.
    const made = newCredentials(lab);
    await cloud.write(cluster(lab, infraID, "running", hashOf(made)));
    await note(lab, infraID, "created");
    context.log("Install complete!");
    return { outputs: outputs(lab, infraID), credentials: made };
  };

  const verify = async (lab: LabOrder, infraID: string, stored: Credentials, context: ProvisionerContext) => {
    await (await begin("verify", lab, infraID, context, look("asking the API with the stored credentials"))).pass();
    const found = await cloud.read(infraID);
    if (found?.state !== "running") throw new LabkeeperError("LK5006", `nothing answers at ${apiUrl(lab)}`);
    if (found.credentialsHash !== hashOf(stored)) {
      throw new LabkeeperError("LK5006", `${apiUrl(lab)} refuses the stored credentials`);
    }
  };

  const update = async (lab: LabOrder, infraID: string, context: ProvisionerContext) => {
    const call = await begin("update", lab, infraID, context, UPDATE);
    await passOrNote(call, async () => {
      const before = await cloud.read(infraID);
      if (call.failsIn === null || before?.state !== "running" || before.workers === lab.spec.workers) return;
      const some = Math.round((before.workers + lab.spec.workers) / 2);
      const half = { ...lab, spec: { ...lab.spec, workers: some, tags: before.tags } };
      await cloud.write(cluster(half, infraID, "running", before.credentialsHash));
      onMishap({ verb: "update", kind: "partial" });
    });
    const found = await cloud.read(infraID);
    if (found?.state !== "running") throw new LabkeeperError("LK5002", `${lab.name} is not there to be updated`);
    await cloud.write(cluster(lab, infraID, "running", found.credentialsHash));
    await note(lab, infraID, "updated", { workers: lab.spec.workers });
    return { outputs: outputs(lab, infraID) };
  };

  const destroy = async (lab: LabOrder, infraID: string, context: ProvisionerContext) => {
    const found = await cloud.read(infraID);
    if (found === null) return;
    const call = await begin("destroy", lab, infraID, context, DESTROY);
    await passOrNote(call, async () => {
      if (call.failsIn !== null) {
        await cloud.write({ ...partOf(found, 1 - (call.failsIn + 1) / (DESTROY.length + 1)), state: "residue" });
        onMishap({ verb: "destroy", kind: "partial" });
      }
      await note(lab, infraID, "failed", { verb: "destroy" });
    });
    if (call.lies.residue) {
      onMishap({ verb: "destroy", kind: "residue" });
      await cloud.write({ ...found, state: "residue", resources: [`volume/${infraID}-pvc`], credentialsHash: null });
      await note(lab, infraID, "residue");
      return;
    }
    await cloud.remove(infraID);
    await note(lab, infraID, "deleted");
  };

  const observe = async (lab: LabOrder, infraID: string, context: ProvisionerContext): Promise<Observation> => {
    const call = await begin("observe", lab, infraID, context, look("listing resources by tag"));
    await call.pass();
    if (call.lies.unknown) {
      onMishap({ verb: "observe", kind: "unknown" });
      return { verdict: "unknown", reason: "the simulated cloud did not answer" };
    }
    const found = await cloud.read(infraID);
    const tag = `kubernetes.io/cluster/${infraID}`;
    return found === null
      ? { verdict: "absent", evidence: [`no simulated resource is tagged ${tag}`] }
      : { verdict: "present", evidence: found.resources };
  };

  return {
    prepare: (lab, context) => guarded("prepare", () => prepare(lab, context)),
    install: (lab, intent, context) => guarded("install", () => install(lab, infraIdOf(intent), context)),
    verify: (lab, intent, stored, context) => guarded("verify", () => verify(lab, infraIdOf(intent), stored, context)),
    update: (lab, intent, context) => guarded("update", () => update(lab, infraIdOf(intent), context)),
    destroy: (lab, intent, context) => guarded("destroy", () => destroy(lab, infraIdOf(intent), context)),
    observe: (lab, intent, context) =>
      guarded("observe", () => observe(lab, infraIdOf(intent), context)).catch((error: Error) => ({
        verdict: "unknown",
        reason: error.message,
      })),
  };
}

/** Everything that leaves here is a LabkeeperError. */
async function guarded<T>(verb: ProvisionerVerb, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LabkeeperError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? "unreadable state";
    throw new LabkeeperError("LK5002", `simulated ${verb}: the simulated cloud cannot be used (${why})`, {
      cause: error,
    });
  }
}

/** What there is of a cluster after a share of the work: the network first and last, the machines one after the other. */
const partOf = (whole: SimulatedCluster, share: number): SimulatedCluster => ({
  ...whole,
  resources: whole.resources.slice(0, Math.max(1, Math.ceil(whole.resources.length * share))),
});

async function passOrNote(call: SimulatedCall, onFailure: () => Promise<void>): Promise<void> {
  try {
    await call.pass();
  } catch (error) {
    await onFailure();
    throw error;
  }
}

/** The intent comes back from the database and becomes a file name. */
function infraIdOf(intent: JsonObject): string {
  const { infraID } = intent;
  if (typeof infraID === "string" && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(infraID)) return infraID;
  throw new LabkeeperError("LK5003", "the recorded intent holds no usable infraID");
}
