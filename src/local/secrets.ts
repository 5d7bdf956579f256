/** Secrets in a folder, sealed with a key that lives outside of it. */

import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { credentials, revealAll } from "../core/credentials.ts";
import { TEMPORARY } from "../core/store-key.ts";
import { LabkeeperError } from "../errors.ts";
import type { Credentials, SecretStore } from "../ports.ts";
import { diskError, isMissing } from "./disk-error.ts";
import { replaceFile } from "./durable-file.ts";
import { keySegments, makeFolders, refuseLinks } from "./keys.ts";
import { seal, unseal } from "./secret-box.ts";
import { secretKey } from "./secret-key.ts";

export interface FolderSecrets {
  readonly root: string;
  /** Outside of `root`, so that a copy of the folder gives nothing away. Made (0600) when first needed. */
  readonly keyFile: string;
}

const SUFFIX = ".sealed";

/**
 * Rejects with LK6002 (cannot be read, written, or was tampered with) or LK6003 (the key is wrong or lost).
 * Throws LK7001 when the key file is inside the folder.
 */
export function folderSecrets({ root, keyFile }: FolderSecrets): SecretStore {
  const base = resolve(root);
  const keyPath = resolve(keyFile);
  const inside = relative(base, keyPath);
  if (inside !== ".." && !inside.startsWith(`..${sep}`)) {
    throw new LabkeeperError("LK7001", `the secrets' key file ${keyPath} is inside their folder ${base}`);
  }
  let loaded: Promise<Buffer> | undefined;
  const key = (): Promise<Buffer> => {
    loaded ??= secretKey(keyPath, () => isEmpty(base)).catch((error: unknown) => {
      // A key that could not be read now may be readable later.
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  const place = (name: string): readonly string[] => {
    const segments = keySegments(name, "LK6002");
    return [...segments.slice(0, -1), `${segments.at(-1)}${SUFFIX}`];
  };

  return {
    put: async (name, sealed) => {
      const segments = place(name);
      const plain = Buffer.from(JSON.stringify(revealAll(sealed)));
      try {
        const bytes = seal(await key(), name, plain);
        await replaceFile(join(base, TEMPORARY), await makeFolders(base, segments), bytes);
      } catch (error) {
        throw diskError("LK6002", `cannot write the secret ${name} under ${base}`, error);
      } finally {
        plain.fill(0);
      }
    },

    get: async (name) => {
      const segments = place(name);
      const bytes = await readSealed(base, segments, name);
      return bytes === null ? null : unsealed(await key(), name, bytes);
    },

    remove: async (name) => {
      const segments = place(name);
      try {
        await refuseLinks(base, segments.slice(0, -1));
        await rm(join(base, ...segments), { force: true });
      } catch (error) {
        if (!isMissing(error)) throw diskError("LK6002", `cannot remove the secret ${name} under ${base}`, error);
      }
    },
  };
}

async function readSealed(base: string, segments: readonly string[], name: string): Promise<Buffer | null> {
  try {
    await refuseLinks(base, segments.slice(0, -1));
    await using file = await open(join(base, ...segments), constants.O_RDONLY | constants.O_NOFOLLOW);
    return await file.readFile();
  } catch (error) {
    if (isMissing(error)) return null;
    throw diskError("LK6002", `cannot read the secret ${name} under ${base}`, error);
  }
}

function unsealed(key: Buffer, name: string, bytes: Buffer): Credentials {
  const opened = unseal(key, name, bytes);
  if (opened.kind === "wrong-key") throw new LabkeeperError("LK6003", `the secret ${name} was sealed with another key`);
  if (opened.kind === "damaged") {
    throw new LabkeeperError("LK6002", `the secret ${name} is damaged, or was changed or moved by somebody`, {
      disposition: "stop",
      remedy: "Restore it from a backup, or destroy the lab and create it again.",
    });
  }
  return credentials(JSON.parse(opened.plain.toString("utf8")) as Record<string, string>);
}

/** Whether nothing was ever sealed here. A folder that cannot be read is not an empty one. */
async function isEmpty(base: string): Promise<boolean> {
  try {
    const names = await readdir(base, { recursive: true });
    return !names.some((name) => name.endsWith(SUFFIX));
  } catch (error) {
    if (isMissing(error)) return true;
    throw diskError("LK6002", `cannot read ${base}`, error);
  }
}
