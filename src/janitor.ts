/** Story 3: what must not be forgotten. Looks at what was thought gone, and for what nobody answers for. */

import type { CloudInventory, OrphanStore, ReceiptCheckStore } from "./cloud-ports.ts";
import { orphansAmong } from "./core/orphans.ts";
import { asLeader } from "./leadership.ts";
import type { Clock, LabOrder, LeaseStore, Provisioner } from "./ports.ts";

export interface JanitorDeps {
  readonly store: ReceiptCheckStore & OrphanStore & LeaseStore;
  readonly provisioners: ReadonlyMap<string, Provisioner>;
  /** Null where no cloud is configured. */
  readonly inventory: CloudInventory | null;
  readonly workdir: (labId: string) => Promise<string>;
  readonly clock: Clock;
  readonly holder: string;
}

export interface Swept {
  /** Receipts confirmed, and labs of which something was seen again. */
  readonly confirmed: number;
  readonly residue: readonly string[];
  /** Orphans found for the first time, and scopes that could not be looked at. */
  readonly orphans: number;
  readonly unseen: readonly { readonly scope: string; readonly reason: string }[];
}

/** At most this many receipts are looked at in one round: each is a tour of a cloud. */
const RECEIPTS_A_ROUND = 50;

/** One round. Changes nothing in any cloud: residue is queued for its lab's own destroy, orphans are only told. */
export async function sweep(deps: JanitorDeps, signal?: AbortSignal): Promise<Swept> {
  return asLeader({ ...deps, resource: "janitor" }, async () => {
    const receipts = await checkReceipts(deps, signal);
    const orphans = await findOrphans(deps, signal);
    return { ...receipts, ...orphans };
  });
}

async function checkReceipts(deps: JanitorDeps, signal?: AbortSignal): Promise<Pick<Swept, "confirmed" | "residue">> {
  const residue: string[] = [];
  let confirmed = 0;
  for (const check of await deps.store.dueChecks(deps.clock.now(), RECEIPTS_A_ROUND)) {
    signal?.throwIfAborted();
    const { lab } = check;
    const order: LabOrder = { id: lab.id, name: lab.name, team: lab.team, spec: lab.spec, profile: lab.policy };
    const provisioner = deps.provisioners.get(lab.spec.provisioner);
    const seen =
      lab.intent === null
        ? ({ verdict: "absent", evidence: ["no intent was ever recorded, so nothing was made (P2)"] } as const)
        : provisioner === undefined
          ? ({ verdict: "unknown", reason: `provisioner ${lab.spec.provisioner} is not registered` } as const)
          : await provisioner.observe(order, lab.intent, {
              signal: signal ?? new AbortController().signal,
              workdir: await deps.workdir(lab.id),
              progress: () => undefined,
              log: () => undefined,
            });
    await deps.store.recordCheck(check, seen, deps.clock.now());
    if (seen.verdict === "present") residue.push(lab.name);
    if (seen.verdict === "absent") confirmed += 1;
  }
  return { confirmed, residue };
}

async function findOrphans(deps: JanitorDeps, signal?: AbortSignal): Promise<Pick<Swept, "orphans" | "unseen">> {
  if (deps.inventory === null) return { orphans: 0, unseen: [] };
  const { resources, unseen } = await deps.inventory.sweep(signal);
  const now = deps.clock.now();
  const findings = orphansAmong(resources, await deps.store.knownLabs(), now);
  const { opened } = await deps.store.recordSweep(
    findings,
    unseen.map(({ scope }) => scope),
    now,
  );
  return { orphans: opened, unseen };
}
