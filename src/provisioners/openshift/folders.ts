/** The folders of one lab on this host. All of them are closed to others, and may be gone at any time. */

import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LabkeeperError } from "../../errors.ts";

export interface Folders {
  /** The installer's `--dir`. */
  readonly cluster: string;
  readonly temporary: string;
  readonly requests: string;
  readonly ccoctl: string;
  /** While a program runs under an assumed role: its session. */
  readonly session: string;
  destroy(infraId: string): string;
}

export const foldersOf = (workdir: string): Folders => ({
  cluster: join(workdir, "cluster"),
  temporary: join(workdir, "tmp"),
  requests: join(workdir, "cluster", "labkeeper", "credentials-requests"),
  ccoctl: join(workdir, "ccoctl"),
  session: join(workdir, "aws"),
  destroy: (infraId) => join(workdir, `destroy-${infraId}`),
});

const onDisk = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LabkeeperError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new LabkeeperError("LK5002", `${what} (${why})`, { cause: error });
  }
};

/** An empty folder (0700), whatever was there. */
export const emptyFolder = (path: string): Promise<void> =>
  onDisk(`${path} cannot be made`, async () => {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
  });

export const removeFolder = (path: string): Promise<void> =>
  onDisk(`${path} cannot be removed`, () => rm(path, { recursive: true, force: true }));

export const writePrivate = (path: string, text: string): Promise<void> =>
  onDisk(`${path} cannot be written`, () => writeFile(path, text, { mode: 0o600 }));

/** All that an installer was given or has left here, with the secrets in it: what is needed later is kept elsewhere. */
export async function clearFolders({ cluster, temporary, ccoctl }: Folders): Promise<void> {
  for (const folder of [cluster, temporary, ccoctl]) await removeFolder(folder);
}

/** Null when there is no such file. */
export const readIfThere = (path: string): Promise<string | null> =>
  onDisk(`${path} cannot be read`, () =>
    readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
      throw error;
    }),
  );
