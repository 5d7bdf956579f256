/** What an AWS account shows of one cluster, and of all. Looks only. */

import type { CloudInventory, CloudResource, CloudTarget } from "../../cloud-ports.ts";
import type { Observation } from "../../core/types.ts";
import { failureText } from "./aws-failure.ts";
import { dnsClients } from "./dns-account.ts";
import { checkTarget, regionsOf } from "./exact-target.ts";
import { accountIdOf } from "./identity.ts";
import { findRoute53 } from "./inventory-route53.ts";
import { beginLook } from "./look.ts";
import { accountLabel, partsOf } from "./parts.ts";
import { runParts } from "./run-parts.ts";
import { type InventorySettings, sweepAccounts } from "./sweep.ts";
import { oneCluster } from "./whose.ts";

export const awsInventory = (settings: InventorySettings): CloudInventory => ({
  observe: (target, signal) => observe(settings, target, signal),
  sweep: (signal, clusters) => sweepAccounts(settings, clusters, signal),
});

/** More tell nobody anything. */
const MOST_EVIDENCE = 50;

/**
 * Looks everywhere a cluster can have something. What is surely seen is `present` even when other parts failed; `absent`
 * needs every part, every page and the right account.
 * @throws LK5301 when the target does not name one cluster exactly
 */
async function observe(settings: InventorySettings, target: CloudTarget, signal?: AbortSignal): Promise<Observation> {
  checkTarget(target);
  if (target.regions.length === 0) return { verdict: "unknown", reason: "no regions were given to look into" };
  const setting = settings.accounts.find(({ name }) => name === target.account);
  if (setting === undefined) {
    return { verdict: "unknown", reason: `account ${accountLabel(target.account)} is not configured` };
  }
  const look = beginLook(signal);
  const regions = regionsOf(target);
  const { clients } = settings;
  let accountId: string;
  try {
    accountId = await accountIdOf(look, clients, target.account, target.region, [setting.id, target.accountId]);
  } catch (error) {
    signal?.throwIfAborted();
    return { verdict: "unknown", reason: failureText(error, "whose credentials these are") };
  }
  const whose = oneCluster(target);
  const parts = partsOf({
    clients,
    look,
    whose,
    account: target.account,
    accountId,
    regions,
    findDns: async () => {
      const dns = await dnsClients(look, clients, settings.accounts, target.account, target.region);
      return await findRoute53(look, dns, whose, target);
    },
  });
  const { resources, failures } = await runParts(parts);
  signal?.throwIfAborted();
  const where = `account ${accountId} (${accountLabel(target.account)})`;
  if (resources.length > 0) return present(resources, failures, where);
  if (failures.length > 0) {
    const more = failures.length > 3 ? `; and ${failures.length - 3} more` : "";
    return { verdict: "unknown", reason: `${where}: ${failures.slice(0, 3).join("; ")}${more}` };
  }
  return {
    verdict: "absent",
    evidence: [
      where,
      `regions ${regions.join(", ")}`,
      `infraID ${target.infraId}, lab id ${target.labId}, names under ${target.clusterName}.${target.baseDomain}`,
      `nothing in ${parts.map(({ name }) => name).join(", ")}`,
      `${look.calls} calls, all answered`,
    ],
  };
}

function present(resources: readonly CloudResource[], failures: readonly string[], where: string): Observation {
  const ids = resources.map(({ id }) => id).sort();
  const rest = ids.length - MOST_EVIDENCE;
  return {
    verdict: "present",
    evidence: [
      `${ids.length} in ${where}`,
      ...ids.slice(0, MOST_EVIDENCE),
      ...(rest > 0 ? [`and ${rest} more`] : []),
      ...failures.slice(0, 3).map((failure) => `could not look: ${failure}`),
    ],
  };
}
