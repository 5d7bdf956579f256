/**
 * A note in the state folder that its database was made once. Without it, data that is lost (a volume that was not
 * mounted, a folder removed by hand) looks like a first start, and an empty database would make every lab again.
 */

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LabkeeperError } from "../../errors.ts";
import { syncFolder } from "./cluster.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

/** The note's path in the state folder's part for Postgres. */
export const markerPath = (home: string): string => join(home, "initialized");

/** Written after initdb succeeded; a start that dies before it finds either the data or nothing, and goes on. */
export async function markInitialized(home: string, dataDir: string): Promise<void> {
  if ((await readIfThere(markerPath(home))) !== null) return;
  await writeWhole(markerPath(home), `${dataDir}\n`);
  await syncFolder(home);
}

export async function forgetInitialized(home: string): Promise<void> {
  await rm(markerPath(home), { force: true });
}

/** For a data folder without a cluster. @throws LK7002 when there was one, or something else is in the folder */
export async function requireNeverInitialized(home: string, dataDir: string): Promise<void> {
  const rest = await readdir(dataDir).catch(() => []);
  const noted = (await readIfThere(markerPath(home)))?.trim();
  if (noted === undefined && rest.length === 0) return;
  const found = rest.length === 0 ? `${dataDir} is gone or empty` : `${dataDir} has no PG_VERSION`;
  const before = noted === undefined ? "" : ", though a database was made there before";
  const inTheWay = [...(noted === undefined ? [] : [markerPath(home)]), ...(rest.length === 0 ? [] : [dataDir])];
  throw new LabkeeperError("LK7002", `${found}${before}`, {
    remedy: `Restore the folder from a backup or bring its volume back. ${startAnew(inTheWay)}`,
  });
}

/** @throws LK7002 when a database was made before; for a state folder that does not say any more where it is */
export async function requireNoneNoted(home: string, note: string): Promise<void> {
  const noted = (await readIfThere(markerPath(home)))?.trim();
  if (noted === undefined) return;
  throw new LabkeeperError("LK7002", `${note} is gone, and the data (once in ${noted}) cannot be found without it`, {
    remedy: `Restore the file; it holds the path of the folder above data. ${startAnew([markerPath(home)])}`,
  });
}

/** The way to an empty database, with its price. */
export const startAnew = (paths: readonly string[]): string =>
  `To begin anew, with the labs made before not known any more, remove ${paths.join(" and ")}.`;
