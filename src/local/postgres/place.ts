/**
 * Where a state folder's Postgres lives: in the state folder, or, when the account that runs it cannot get there
 * (below a private folder of root), in the shared folder with a note in the state folder that says where.
 */

import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, lstat, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabkeeperError } from "../../errors.ts";
import { type Account, canEnter, sharedFolder } from "./account.ts";
import { markerPath, requireNoneNoted, startAnew } from "./marker.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

export interface Place {
  readonly root: string;
  readonly dataDir: string;
  readonly logFile: string;
}

const placeAt = (root: string): Place => ({ root, dataDir: join(root, "data"), logFile: join(root, "postgres.log") });

/** `home` is the state folder's own part (it exists). Call it under its lock. */
export async function findPlace(home: string, account: Account, sharedDir?: string): Promise<Place> {
  const note = join(home, "location");
  const noted = await readIfThere(note);
  if (noted !== null) {
    const root = noted.trim();
    if (await isFolder(root)) return placeAt(root);
    throw new LabkeeperError("LK7002", `${note} says that the data is in ${root}, which is not there`, {
      remedy: `Restore ${root} from a backup or bring its volume back. ${startAnew([note, markerPath(home)])}`,
    });
  }
  if (account === null || (await canEnter(account, home))) return placeAt(home);
  if (await isFolder(join(home, "data")))
    throw new LabkeeperError(
      "LK7002",
      `user ${account.uid}, who runs Postgres for root, cannot enter ${home} any more`,
      {
        remedy: "Let others pass through the folders above it (chmod o+x).",
      },
    );
  await requireNoneNoted(home, note);
  const shared = await sharedFolder(account, sharedDir);
  const hash = createHash("sha256")
    .update(await realpath(home))
    .digest("hex")
    .slice(0, 12);
  const root = await mkdtemp(join(shared, `state-${hash}-`));
  await chmod(root, 0o711);
  await writeFile(join(root, "state-folder"), `${home}\n`, { mode: 0o600 });
  await writeWhole(note, `${root}\n`);
  return placeAt(root);
}

/** The longest socket path that every system takes: sun_path is 108 bytes on Linux and 104 on macOS, NUL included. */
const SOCKET_LIMIT = 103;

/**
 * A folder for the server's socket that only the account (and root) can enter: in the place when the path is short
 * enough, else a short one with a name nobody can guess, noted in the place.
 */
export async function socketFolder(place: Place, account: Account): Promise<string> {
  const inside = join(place.root, "run");
  if (Buffer.byteLength(join(inside, ".s.PGSQL.5432")) <= SOCKET_LIMIT) {
    await mkdir(inside, { recursive: true, mode: 0o700 });
    return await own(inside, account);
  }
  const note = join(place.root, "socket-folder");
  const noted = (await readIfThere(note))?.trim();
  if (noted !== undefined && (await isPrivate(noted, account))) return noted;
  const parent = Buffer.byteLength(tmpdir()) < 60 && (await canEnter(account, tmpdir())) ? tmpdir() : "/tmp";
  const made = await own(await mkdtemp(join(parent, "labkeeper-")), account);
  await writeWhole(note, `${made}\n`);
  return made;
}

/** Removes a short socket folder, when there is one. */
export async function removeSocketFolder(place: Place): Promise<void> {
  const noted = (await readIfThere(join(place.root, "socket-folder")))?.trim();
  if (noted !== undefined) await rm(noted, { recursive: true, force: true });
  await rm(join(place.root, "socket-folder"), { force: true });
}

/** The password of the database's user: made once, 0600. */
export async function readOrMakePassword(home: string, dataIsThere: boolean): Promise<string> {
  const path = join(home, "password");
  const found = (await readIfThere(path))?.trim();
  if (found) return found;
  if (dataIsThere)
    throw new LabkeeperError("LK7002", `${path} is missing, and without it the data cannot be opened`, {
      remedy: "Restore the file, or move the state folder away to start with an empty database.",
    });
  const made = randomBytes(24).toString("base64url");
  await writeWhole(path, `${made}\n`);
  return made;
}

async function own(folder: string, account: Account): Promise<string> {
  await chmod(folder, 0o700);
  if (account !== null) await chown(folder, account.uid, account.gid);
  return folder;
}

async function isPrivate(folder: string, account: Account): Promise<boolean> {
  const found = await lstat(folder).catch(() => null);
  const owner = account?.uid ?? process.getuid?.();
  return found?.isDirectory() === true && found.uid === owner && (found.mode & 0o077) === 0;
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() === true;
}
