import { randomBytes } from "node:crypto";
import { promises as fs } from "node:fs";

/** Writes a file under a name of its own and moves it into place: other processes see all of it or nothing. */
export async function writeAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await fs.writeFile(temporary, data);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** The file system for isomorphic-git, which writes packs and their indexes in place; here each appears whole. */
export const atomicFs = { promises: { ...fs, writeFile: writeAtomic } };
