import { constants } from "node:fs";
import { access, rm, stat, writeFile } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import type { Config } from "../../config.ts";
import { VARIABLES } from "../../config.ts";
import { type CoreDumps, coreDumps } from "../../core-dumps.ts";
import { madeFolder } from "../../made-folder.ts";
import type { Check } from "./check.ts";
import { failed, ok, skipped, warning } from "./check.ts";

const OLDEST_NODE = [20, 19] as const;

export const checkNode = async (): Promise<Check> => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const found = `Node ${process.versions.node}`;
  return fits ? ok("node", found) : failed("node", found, `Install Node ${OLDEST_NODE.join(".")} or newer.`);
};

/** Kubernetes adds these for a Service called labkeeper; they are nobody's mistake. */
const FROM_KUBERNETES = /^LABKEEPER_(SERVICE_(HOST|PORT.*)|PORT(_.*)?)$/;

export const checkConfig = async (config: Config): Promise<Check> => {
  const unknown = Object.keys(config.environment).filter(
    (name) => name.startsWith("LABKEEPER_") && !VARIABLES.includes(name) && !FROM_KUBERNETES.test(name),
  );
  if (unknown.length > 0) {
    return warning("config", `nothing reads ${unknown.sort().join(", ")}`, `Known variables: ${VARIABLES.join(", ")}.`);
  }
  return ok("config", config.configFile === null ? "environment and flags; no configuration file" : config.configFile);
};

/** An executable by path or on PATH; null when there is none. */
export const findExecutable = async (name: string, environment: Config["environment"]): Promise<string | null> => {
  const candidates =
    isAbsolute(name) || name.includes("/")
      ? [name]
      : (environment["PATH"] ?? "")
          .split(delimiter)
          .filter(Boolean)
          .map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const usable = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (usable) return candidate;
  }
  return null;
};

export const checkGit = async (config: Config): Promise<Check> => {
  const found = await findExecutable("git", config.environment);
  return found === null
    ? warning("git", "not on PATH", "Install git: labkeeper works without it, but reads big catalogs much more slowly.")
    : ok("git", found);
};

export const checkProvisioner = async (config: Config, name: string): Promise<Check> => {
  const title = `provisioner ${name}`;
  const settings = config.provisioners[name];
  if (settings === undefined) return ok(title, "built in");
  if (settings.type === "simulated") return ok(title, "simulated");
  const [program = ""] = settings.command;
  const found = await findExecutable(program, config.environment);
  const missing = (settings.env ?? []).filter((variable) => config.environment[variable] === undefined);
  if (found === null) {
    return failed(
      title,
      `${program} is not there or not executable`,
      `Install it, or correct provisioners.${name}.command.`,
    );
  }
  return missing.length === 0
    ? ok(title, found)
    : warning(title, `${missing.join(", ")} not set`, `Set them, or remove them from provisioners.${name}.env.`);
};

const modeOf = (mode: number): string => (mode & 0o777).toString(8).padStart(3, "0");

/** A folder that labkeeper writes to: there (or can be made), writable, and closed to others where it holds secrets. */
export const checkFolder = async (name: string, folder: string, secret: boolean): Promise<Check> => {
  await madeFolder(folder, 0o700);
  const probe = join(folder, `.doctor-${process.pid}`);
  await writeFile(probe, "", { mode: 0o600 });
  await rm(probe);
  const { mode } = await stat(folder);
  // Root's state folder lets the embedded Postgres's user pass, not look.
  const closed = process.getuid?.() === 0 ? 0o066 : 0o077;
  return secret && (mode & closed) !== 0
    ? failed(name, `${folder} is open to others (${modeOf(mode)})`, `chmod 700 '${folder}'`)
    : ok(name, folder);
};

export const checkKey = async (file: string): Promise<Check> => {
  const found = await stat(file).catch(() => null);
  if (found === null) return skipped("secrets key", `${file} is made when the first secret is stored`);
  return (found.mode & 0o077) === 0
    ? ok("secrets key", file)
    : failed("secrets key", `${file} is open to others (${modeOf(found.mode)})`, `chmod 600 '${file}'`);
};

/** A crash must not leave credentials in a file. Either answer will do: no dumps, or dumps without memory. */
export const checkCoreDumps = async ({ withMemory, limit }: CoreDumps = coreDumps()): Promise<Check> => {
  const title = "core dumps";
  if (withMemory === false) return ok(title, "hold no memory");
  if (limit === "0") return ok(title, "are not written");
  const detail =
    limit === null ? "may be written, with memory and all" : `may be written, up to ${limit} bytes of memory`;
  return warning(title, detail, "Start labkeeper under `ulimit -c 0`, or with LimitCORE=0 in its systemd unit.");
};
