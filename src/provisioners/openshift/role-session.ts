/**
 * An assumed role's session, lent to the programs of one run. It lasts an hour and an install longer, so it is given as a
 * file that AWS' SDKs read anew whenever what they have is about to end (`credential_process`,
 * docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html), and that is replaced here in time. When
 * this process is gone nobody renews it: an installer that was left behind loses its rights within the hour.
 */

import { join } from "node:path";
import type { SessionKeys } from "../../cloud-ports.ts";
import { writeAtomically } from "../atomic-file.ts";
import { emptyFolder, removeFolder, writePrivate } from "./folders.ts";

export interface RoleSession {
  readonly folder: string;
  /** The keys to use now. Asked for often: whoever answers keeps them while they are good. */
  keys(): Promise<SessionKeys>;
  /** Called before anybody can see them. */
  hide(secrets: readonly string[]): void;
  log(line: string): void;
  readonly everyMs: number;
}

const PROFILE = "labkeeper";
/** The SDKs are told an earlier end, so that what they read again in time is the successor. */
const EARLIER_MS = 60_000;

/**
 * What leads AWS' SDKs to the file and to nothing else: keys of the same name in a shared credentials file would come
 * first, and the host's own role last. SDK for Go 1 reads a configuration file only when it is told to.
 */
export const roleEnvironment = (folder: string): Readonly<Record<string, string>> => ({
  AWS_CONFIG_FILE: join(folder, "config"),
  AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
  AWS_PROFILE: PROFILE,
  AWS_SDK_LOAD_CONFIG: "1",
  AWS_EC2_METADATA_DISABLED: "true",
});

/** Lends it until disposed. Rejects when there are no keys to begin with; a later failure is logged and tried again. */
export async function lendSession(session: RoleSession): Promise<AsyncDisposable> {
  const { folder, everyMs } = session;
  const path = join(folder, "session.json");
  await emptyFolder(folder);
  let last = "";
  const renew = async (): Promise<void> => {
    const keys = await session.keys();
    if (keys.accessKeyId === last) return;
    session.hide([keys.secretAccessKey, keys.sessionToken]);
    await writeAtomically(path, processAnswer(keys));
    last = keys.accessKeyId;
  };
  await renew();
  await writePrivate(join(folder, "credentials"), "");
  await writePrivate(join(folder, "config"), `[profile ${PROFILE}]\ncredential_process = cat ${quoted(path)}\n`);

  let failing = false;
  let renewing: Promise<void> | null = null;
  const again = (): void => {
    renewing ??= renew()
      .then(
        () => {
          failing = false;
        },
        (error: unknown) => {
          if (!failing) session.log(`the session of the account's role cannot be renewed: ${messageOf(error)}`);
          failing = true;
        },
      )
      .finally(() => {
        renewing = null;
      });
  };
  const timer = setInterval(again, everyMs);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await renewing;
      await removeFolder(folder);
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "unknown error");

/** As the SDKs expect it of a `credential_process`. */
const processAnswer = ({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: SessionKeys): string =>
  JSON.stringify({
    Version: 1,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: new Date(expiresAt.getTime() - EARLIER_MS).toISOString(),
  });

/** The SDKs have a shell run the command. */
const quoted = (path: string): string => `"${path.replace(/[\\"$`]/g, "\\$&")}"`;
