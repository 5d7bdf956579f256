/** The secrets of one run: read when it begins, given to the installer, hidden wherever they turn up. */

import { checkPullSecret, type InstallSecrets } from "../../core/openshift/install-config.ts";
import { LabkeeperError } from "../../errors.ts";
import type { Credentials, SecretStore } from "../../ports.ts";

const PULL_SECRET = "openshift/pull-secret";
const SSH_KEY = "openshift/ssh-key";

/** Rejects with LK5202; what is wrong is said without quoting it. */
export async function readInstallSecrets(secrets: Pick<SecretStore, "get">): Promise<InstallSecrets> {
  const pullSecret = single(await secrets.get(PULL_SECRET), PULL_SECRET);
  if (pullSecret === null) throw new LabkeeperError("LK5202", `the secret store has no ${PULL_SECRET}`);
  const check = checkPullSecret(pullSecret);
  if ("problem" in check) throw new LabkeeperError("LK5202", `${PULL_SECRET}: ${check.problem}`);
  const sshKey = single(await secrets.get(SSH_KEY), SSH_KEY)?.trim() ?? null;
  if (sshKey !== null && !/^(ssh-|ecdsa-sha2-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( [^\r\n]*)?$/.test(sshKey)) {
    throw new LabkeeperError("LK5202", `${SSH_KEY} is not a public key in OpenSSH's format`);
  }
  // On one line, so that a line of a log can hold all of it.
  return { pullSecret: JSON.stringify(JSON.parse(pullSecret)), sshKey };
}

function single(found: Credentials | null, key: string): string | null {
  if (found === null) return null;
  const name = found.names.includes("value") ? "value" : found.names.length === 1 ? found.names[0] : undefined;
  if (name === undefined) throw new LabkeeperError("LK5202", `${key} must have one entry, or one named value`);
  return found.reveal(name);
}

/** What must be hidden of them: the pull secret and every login in it, the SSH key and its body. */
export function secretParts({ pullSecret, sshKey }: InstallSecrets): readonly string[] {
  const { auths } = JSON.parse(pullSecret) as { auths: Record<string, { auth?: unknown }> };
  const logins = Object.values(auths).flatMap(({ auth }) => (typeof auth === "string" ? [auth] : []));
  const passwords = logins.map((login) =>
    Buffer.from(login, "base64")
      .toString("utf8")
      .replace(/^[^:]*:/, ""),
  );
  const key = sshKey === null ? [] : [sshKey, sshKey.split(" ")[1] ?? sshKey];
  return [pullSecret, ...logins, ...passwords.filter((password) => password.length >= 4), ...key];
}

/** Values of an environment whose name says that they are secret. */
export const environmentSecrets = (env: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(env)
    .filter(([name, value]) => /SECRET|TOKEN|PASSWORD|API_?KEY|ACCESS_KEY/i.test(name) && value.length >= 8)
    .map(([, value]) => value);
