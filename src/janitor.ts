/** Story 7: what must not be forgotten. Looks at what was thought gone, and for what nobody answers for. */

import type {
  CloudInventory,
  KnownCluster,
  KnownLab,
  OrphanRow,
  OrphanStore,
  ReceiptCheckStore,
  RetentionStore,
} from "./cloud-ports.ts";
import { orphansAmong } from "./core/orphans.ts";
import type { Lab, Observation } from "./core/types.ts";
import type { WebhookStore } from "./github-ports.ts";
import { asLeader } from "./leadership.ts";
import type { ArtifactStore, Clock, LabOrder, Lease, LeaseStore, Provisioner, Workspace } from "./ports.ts";

export interface JanitorDeps {
  readonly store: ReceiptCheckStore &
    OrphanStore &
    RetentionStore &
    LeaseStore &
    Pick<WebhookStore, "forgetDeliveries">;
  readonly provisioners: ReadonlyMap<string, Provisioner>;
  /** Null where no cloud is configured. */
  readonly inventory: CloudInventory | null;
  /** Which labkeeper this is: what others made in the same accounts is theirs to look after. Absent: the only one. */
  readonly installation?: () => Promise<string>;
  readonly workspace: Workspace;
  readonly artifacts: Pick<ArtifactStore, "remove">;
  /** How long logs and install state outlive the proof that a lab is gone, and plans the end of their pull request. */
  readonly artifactRetentionDays: number;
  readonly clock: Clock;
  readonly holder: string;
  /** How long another janitor waits for this one when it dies; renewed while a round runs. */
  readonly leaseSeconds?: number;
}

export interface Swept {
  /** Receipts confirmed, and labs of which something was seen again. */
  readonly confirmed: number;
  readonly residue: readonly string[];
  /** Found for the first time. */
  readonly orphans: readonly OrphanRow[];
  /** Where it could not be looked for any. */
  readonly unseen: readonly { readonly scope: string; readonly reason: string }[];
  /** Labs whose artifacts were removed, and those of which they could not be. */
  readonly forgotten: readonly string[];
  readonly unforgotten: readonly { readonly lab: string; readonly reason: string }[];
}

/** GitHub delivers again what failed for three days at most; ids of deliveries are kept well beyond that. Milliseconds. */
const DELIVERIES_KEPT = 14 * 24 * 3_600_000;

/** Pull requests whose plans are pruned in one round. */
const PRUNED_A_ROUND = 1_000;

/** At most this many receipts are looked at in one round: each is a tour of a cloud. */
const RECEIPTS_A_ROUND = 50;

/** One round. Changes no lab in any cloud: residue is queued for its lab's own destroy, orphans are only told. */
export async function sweep(deps: JanitorDeps, signal?: AbortSignal): Promise<Swept> {
  const round = async (lease: Lease, signal: AbortSignal): Promise<Swept> => {
    const receipts = await checkReceipts(deps, lease, signal);
    const orphans = await findOrphans(deps, lease, signal);
    await deps.store.forgetDeliveries(new Date(deps.clock.now().getTime() - DELIVERIES_KEPT));
    await deps.store.pruneReviews(retained(deps), PRUNED_A_ROUND);
    return { ...receipts, ...orphans, ...(await forgetArtifacts(deps, lease, signal)) };
  };
  return await asLeader({ ...deps, resource: "janitor" }, round, signal);
}

async function checkReceipts(
  deps: JanitorDeps,
  lease: Lease,
  signal: AbortSignal,
): Promise<Pick<Swept, "confirmed" | "residue">> {
  const residue: string[] = [];
  let confirmed = 0;
  for (const check of await deps.store.dueChecks(deps.clock.now(), RECEIPTS_A_ROUND)) {
    signal.throwIfAborted();
    const seen = await look(deps, check.lab, signal);
    // Broken off is not looked at: nothing is recorded of it.
    signal.throwIfAborted();
    await deps.store.recordCheck(check, seen, deps.clock.now(), lease);
    if (seen.verdict === "present") residue.push(check.lab.name);
    if (seen.verdict === "absent") confirmed += 1;
  }
  return { confirmed, residue };
}

async function look(deps: JanitorDeps, lab: Lab, signal: AbortSignal): Promise<Observation> {
  if (lab.intent === null) {
    return { verdict: "absent", evidence: ["no intent was ever recorded, so nothing was made (P2)"] };
  }
  const provisioner = deps.provisioners.get(lab.spec.provisioner);
  if (provisioner === undefined) {
    return { verdict: "unknown", reason: `provisioner ${lab.spec.provisioner} is not registered` };
  }
  const order: LabOrder = { id: lab.id, name: lab.name, team: lab.team, spec: lab.spec, profile: lab.policy };
  try {
    return await provisioner.observe(order, lab.intent, {
      signal,
      workdir: await deps.workspace.open(lab.id),
      progress: () => undefined,
      log: () => undefined,
    });
  } catch (error) {
    return { verdict: "unknown", reason: error instanceof Error ? error.message : "the look failed" };
  } finally {
    // The lab has none any more; one that stayed would be nobody's.
    await deps.workspace.remove(lab.id).catch(() => undefined);
  }
}

const DAY = 24 * 3_600_000;
/** The rest is for the next rounds. */
const FORGOTTEN_A_ROUND = 50;

/** What ended before then is kept no longer. */
const retained = ({ clock, artifactRetentionDays }: Pick<JanitorDeps, "clock" | "artifactRetentionDays">): Date =>
  new Date(clock.now().getTime() - artifactRetentionDays * DAY);

/** What was needed to destroy a lab goes once nothing of it was ever seen again (a week), and its time has passed. */
async function forgetArtifacts(
  { store, artifacts, artifactRetentionDays, clock }: JanitorDeps,
  lease: Lease,
  signal: AbortSignal,
): Promise<Pick<Swept, "forgotten" | "unforgotten">> {
  const forgotten: string[] = [];
  const unforgotten: { lab: string; reason: string }[] = [];
  const before = retained({ clock, artifactRetentionDays });
  for (const lab of await store.artifactsToForget(before, FORGOTTEN_A_ROUND)) {
    signal.throwIfAborted();
    try {
      await artifacts.remove(`labs/${lab.id}`);
    } catch (error) {
      unforgotten.push({ lab: lab.name, reason: error instanceof Error ? error.message : "the store failed" });
      continue;
    }
    // Removed and not recorded is removed again, which is nothing.
    await store.recordForgotten(lab, lease);
    forgotten.push(lab.name);
  }
  return { forgotten, unforgotten };
}

async function findOrphans(
  deps: JanitorDeps,
  lease: Lease,
  signal: AbortSignal,
): Promise<Pick<Swept, "orphans" | "unseen">> {
  if (deps.inventory === null) return { orphans: [], unseen: [] };
  const clusters = clustersOf(await deps.store.knownLabs());
  const { resources, unseen } = await deps.inventory.sweep(signal, clusters);
  signal.throwIfAborted();
  const now = deps.clock.now();
  const own = (await deps.installation?.()) ?? null;
  const findings = orphansAmong(resources, await deps.store.knownLabs(), now, own);
  const { opened } = await deps.store.recordSweep(
    findings,
    unseen.map(({ scope }) => scope),
    now,
    lease,
  );
  const orphans = opened === 0 ? [] : await deps.store.orphans(false);
  return { orphans: orphans.filter(({ firstSeen }) => firstSeen.getTime() === now.getTime()), unseen };
}

const clustersOf = (labs: readonly KnownLab[]): KnownCluster[] =>
  labs.flatMap(({ id: labId, infraId, cluster }) =>
    infraId === null || cluster === null ? [] : [{ ...cluster, infraId, labId }],
  );
