/** Checks and small repairs in an AWS account that belong to one lab. */

import type { CloudAccount } from "../../cloud-ports.ts";
import { LabkeeperError } from "../../errors.ts";
import { awsError } from "./aws-error.ts";
import type { AwsClients } from "./clients.ts";
import { destroyOne } from "./destroy-resource.ts";
import { dnsClients } from "./dns-account.ts";
import { removeRecords } from "./dns-cleanup.ts";
import { checkTarget } from "./exact-target.ts";
import { type AccountSetting, accountIdOf } from "./identity.ts";
import { beginLook, type Look } from "./look.ts";
import { accountLabel } from "./parts.ts";
import { checkLab, settingsOf } from "./preflight.ts";

export interface AccountDeps {
  readonly clients: Pick<AwsClients, "client" | "credentials" | "assumesRole">;
  /** All that the configuration names, and the default one: see `accountSettings`. */
  readonly accounts: readonly AccountSetting[];
  /** Where it is asked who one is, when no lab says a region. */
  readonly region: string;
}

export function awsAccount({ clients, accounts, region: anyRegion }: AccountDeps): CloudAccount {
  const settingFor = (account: string | null): AccountSetting => {
    const setting = accounts.find(({ name }) => name === account);
    if (setting !== undefined) return setting;
    throw new LabkeeperError("LK7001", `there is no account ${accountLabel(account)} under accounts:`);
  };
  const identify = (look: Look, account: string | null, region: string, recorded?: string | null): Promise<string> =>
    accountIdOf(look, clients, account, region, [settingFor(account).id, recorded]);

  return {
    accountId: async (account, signal) => await identify(beginLook(signal), account, anyRegion),

    preflight: async (lab, signal) => {
      const look = beginLook(signal);
      const account = settingsOf(lab).account ?? null;
      const accountId = await identify(look, account, lab.spec.region ?? anyRegion);
      const mode = lab.profile.spec.credentialsMode;
      // The installer refuses these itself, minutes later (openshift/installer, `pkg/asset/manifests/openshift.go`).
      if (mode !== "Manual" && (await clients.credentials(account)()).sessionToken !== undefined) {
        const detail = `account ${accountLabel(account)} has temporary ones, and ${lab.profile.name} asks for ${mode ?? "the default mode"}`;
        throw new LabkeeperError("LK5310", detail);
      }
      return await told(`preflight of ${lab.name}`, () =>
        checkLab(look, clients, { lab, account, accountId, accounts }),
      );
    },

    removeDnsRecords: async (target, signal) => {
      checkTarget(target);
      const look = beginLook(signal);
      await identify(look, target.account, target.region, target.accountId);
      return await told(`records of ${target.infraId}`, async () =>
        removeRecords(look, await dnsClients(look, clients, accounts, target.account, target.region), target),
      );
    },

    destroyResource: (resource, signal) =>
      told(resource.id, () => destroyOne(beginLook(signal), clients, accounts, resource)),

    sessionKeys: async (account, signal) => {
      signal?.throwIfAborted();
      settingFor(account);
      if (!clients.assumesRole(account)) return null;
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await clients.credentials(account)();
      if (sessionToken === undefined || expiration === undefined) {
        throw new LabkeeperError("LK6108", `account ${accountLabel(account)}: its role gave keys without an end`);
      }
      return { accessKeyId, secretAccessKey, sessionToken, expiresAt: expiration };
    },
  };
}

/** With a code of its own where the cause is known, LK5309 elsewhere. */
async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw awsError(error, what, "LK5309");
  }
}
