/** The key file of the folder secret store: made once, whoever starts first; never made anew over secrets. */

import { randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { LabkeeperError } from "../errors.ts";
import { diskError, isMissing } from "./disk-error.ts";
import { createFile } from "./durable-file.ts";
import { KEY_BYTES } from "./secret-box.ts";

/**
 * Reads the key (64 hex digits), or makes it when there is none and `mayCreate` says that nothing was sealed before.
 * Throws LK6003 when it is missing, malformed or open to everybody, LK6002 when it cannot be read or written.
 */
export async function secretKey(path: string, mayCreate: () => Promise<boolean>): Promise<Buffer> {
  const found = await readKey(path);
  if (found !== null) return found;
  if (!(await mayCreate())) {
    // Another process may have made the key, and sealed with it, between our two looks.
    const late = await readKey(path);
    if (late !== null) return late;
    throw new LabkeeperError("LK6003", `key file ${path} is missing although secrets were sealed with it`);
  }
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await createFile(dirname(path), path, Buffer.from(`${randomBytes(KEY_BYTES).toString("hex")}\n`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw diskError("LK6002", `cannot make key file ${path}`, error);
  }
  const made = await readKey(path);
  if (made === null) throw new LabkeeperError("LK6002", `key file ${path} vanished`);
  return made;
}

async function readKey(path: string): Promise<Buffer | null> {
  try {
    await using file = await open(path, "r");
    const { mode } = await file.stat();
    if ((mode & 0o007) !== 0) {
      throw new LabkeeperError("LK6003", `key file ${path} is open to everybody`, { remedy: `chmod 600 '${path}'` });
    }
    const text = (await file.readFile("latin1")).trim();
    if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
    throw new LabkeeperError("LK6003", `key file ${path} does not hold 64 hex digits`);
  } catch (error) {
    if (isMissing(error)) return null;
    throw diskError("LK6002", `cannot read key file ${path}`, error);
  }
}
