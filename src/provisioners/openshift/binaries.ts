/** Finds the installer of a version, and proves that it is the one which was reviewed. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { LabkeeperError } from "../../errors.ts";
import { run } from "../exec-run.ts";

export interface BinarySettings {
  /** `OPENSHIFT_INSTALL_BIN`: one binary for everything, of the operator's own choice; not checked against a lock. */
  readonly installer: string | null;
  readonly oc?: string | null;
  readonly ccoctl?: string | null;
  /** Has `openshift-install-<version>`, `oc-<version>`, `ccoctl-<version>` and `SHA256SUMS`. */
  readonly folder: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Installer {
  readonly path: string;
  readonly version: string;
  readonly releaseImage: string | null;
  readonly simulated: boolean;
}

export type Tool = "oc" | "ccoctl";

/** All of these reject with LK5201. */
export interface Binaries {
  /** Exactly this version. */
  installer(version: string): Promise<Installer>;
  /** For a destroy, which any installer can do: this version, else the newest of its minor, else the newest at hand. */
  anyInstaller(version: string): Promise<Installer>;
  tool(name: Tool, version: string): Promise<string>;
  /** For a removal: this version's, else the nearest, as `anyInstaller`. */
  anyTool(name: Tool, version: string): Promise<string>;
}

/** The lock file: lines of `sha256sum`. */
const LOCK = "SHA256SUMS";

const cannot = (detail: string, cause?: unknown): LabkeeperError =>
  new LabkeeperError("LK5201", detail, cause === undefined ? {} : { cause });

export function binaries(settings: BinarySettings): Binaries {
  const { folder } = settings;
  /** By identity of the file: a hash of 500 MB takes a second, and so does its start. */
  const sums = new Map<string, string>();
  const described = new Map<string, Installer>();

  const ask = async (path: string): Promise<Installer> => {
    const id = await identityOf(path);
    const found = described.get(id) ?? (await describe(path, settings.environment));
    described.set(id, found);
    return found;
  };

  const requireLocked = async (path: string): Promise<void> => {
    await requireExecutable(path);
    const id = await identityOf(path);
    const name = basename(path);
    const wanted = (await readLock(join(folder ?? "", LOCK))).get(name);
    if (wanted === undefined) throw cannot(`${LOCK} has no line for ${name}`);
    const actual = sums.get(id) ?? (await sha256(path));
    sums.set(id, actual);
    if (actual !== wanted)
      throw cannot(`${name} has checksum ${actual.slice(0, 12)}…, and ${LOCK} says ${wanted.slice(0, 12)}…`);
  };

  const fromFolder = async (version: string): Promise<Installer> => {
    if (folder === null) throw cannot("neither OPENSHIFT_INSTALL_BIN nor an installers' folder is configured");
    const path = join(folder, `openshift-install-${version}`);
    await requireLocked(path);
    return await ask(path);
  };

  const own = async (): Promise<Installer | null> => {
    if (settings.installer === null) return null;
    await requireExecutable(settings.installer);
    return await ask(settings.installer);
  };

  const tool = async (name: Tool, version: string): Promise<string> => {
    const given = settings[name];
    if (given) {
      await requireExecutable(given);
      return given;
    }
    if (folder === null) throw cannot(`${name} of version ${version} is needed, and no folder is configured`);
    const path = join(folder, `${name}-${version}`);
    await requireLocked(path);
    return path;
  };

  /** The first that can be used of those at hand, the best first. */
  const firstOf = async <T>(name: string, version: string, take: (version: string) => Promise<T>): Promise<T> => {
    let failure: unknown = null;
    for (const candidate of nearest(version, await versionsIn(folder, name))) {
      try {
        return await take(candidate);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure ?? cannot(`there is no ${name} of any version in ${folder ?? "(no folder)"}`);
  };

  return {
    installer: async (version) => {
      const found = (await own()) ?? (await fromFolder(version));
      if (found.version === version) return found;
      throw cannot(`${found.path} is version ${found.version}, and the lab's is ${version}`);
    },
    anyInstaller: async (version) => {
      const found = await own();
      if (found !== null) return found;
      return await firstOf("openshift-install", version, fromFolder);
    },
    tool,
    anyTool: async (name, version) =>
      settings[name] ? await tool(name, version) : await firstOf(name, version, (candidate) => tool(name, candidate)),
  };
}

async function identityOf(path: string): Promise<string> {
  const { size, mtimeMs, ctimeMs, ino } = await stat(path);
  return [path, ino, size, mtimeMs, ctimeMs].join(" ");
}

const numbers = (version: string): number[] => version.split(/[.-]/).map((part) => Number(part) || 0);

function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const minorOf = (version: string): string => version.split(".").slice(0, 2).join(".");

/** In the order in which they are tried. */
export function nearest(version: string, available: readonly string[]): readonly string[] {
  const newestFirst = [...available].sort((a, b) => compareVersions(b, a));
  const rank = (candidate: string): number =>
    candidate === version ? 0 : minorOf(candidate) === minorOf(version) ? 1 : 2;
  return newestFirst.sort((a, b) => rank(a) - rank(b));
}

async function versionsIn(folder: string | null, program: string): Promise<readonly string[]> {
  if (folder === null) throw cannot("neither OPENSHIFT_INSTALL_BIN nor an installers' folder is configured");
  const names = await readdir(folder).catch((error: unknown) => {
    throw cannot(`the installers' folder ${folder} cannot be read`, error);
  });
  const versions = names.flatMap((name) => (name.startsWith(`${program}-`) ? name.slice(program.length + 1) : []));
  return versions.filter((version) => /^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version));
}

async function requireExecutable(path: string): Promise<void> {
  await access(path, constants.X_OK).catch((error: unknown) => {
    throw cannot(`${path} is not there or not executable`, error);
  });
}

async function readLock(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw cannot(`the lock file ${path} cannot be read`, error);
  });
  const lines = text.split("\n").map((line) => /^([0-9a-f]{64}) [ *](\S+)$/.exec(line.trim()));
  return new Map(lines.flatMap((match) => (match?.[1] && match[2] ? [[match[2], match[1]] as const] : [])));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Asks a binary who it is. */
async function describe(path: string, environment: BinarySettings["environment"]): Promise<Installer> {
  const end = await run({
    command: [path, "version"],
    env: { PATH: environment["PATH"] ?? "", HOME: environment["HOME"] ?? tmpdir() },
    cwd: tmpdir(),
    input: "",
    timeoutMs: 60_000,
    termGraceMs: 1_000,
    maxOutputBytes: 64 * 1024,
    maxLogChars: 64 * 1024,
    signal: new AbortController().signal,
    onLogLine: () => undefined,
    started: async () => undefined,
  });
  if (end.kind !== "exit" || end.code !== 0) throw cannot(`${path} version failed`);
  const text = end.stdout.toString("utf8");
  const [, version] = /^\S*openshift-install\s+v?(\d+\.\d+\.\d+\S*)/m.exec(text) ?? [];
  if (version === undefined) throw cannot(`${path} does not say which version it is`);
  return {
    path,
    version,
    releaseImage: /^release image (\S+)$/m.exec(text)?.[1] ?? null,
    simulated: text.includes("simulated"),
  };
}
