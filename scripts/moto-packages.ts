/**
 * moto (Apache-2.0) speaks AWS's own protocols on loopback. Debian 12 has what it needs, and the next release has moto
 * itself, as a package for all architectures that is only unpacked into a cache folder: nothing of another release is
 * installed. Root installs what moto imports; without root it has to be there.
 */

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Debian's own interpreter: another one on PATH does not see Debian's packages. */
export const PYTHON = "/usr/bin/python3";

/** The Debian release whose moto is known to work with Debian 12's Python. */
const RELEASE = "trixie";

const IMPORTS = [
  "python3",
  "python3-boto3",
  "python3-cryptography",
  "python3-flask",
  "python3-flask-cors",
  "python3-jinja2",
  "python3-pyparsing",
  "python3-responses",
  "python3-werkzeug",
  "python3-xmltodict",
  "python3-yaml",
];

/** Services that the tests talk to; moto loads each when it is first asked. */
const SERVICES = ["s3", "secretsmanager", "ec2", "elb", "elbv2", "iam", "route53", "sts", "servicequotas"];
const PROBE = [
  "import importlib, moto.server, flask_cors",
  `for name in "${SERVICES.join(" ")} resourcegroupstaggingapi".split(): importlib.import_module(f"moto.{name}.responses")`,
].join("\n");

/** Says what is missing and how to get it; never a stack. */
export class MotoUnavailable extends Error {}

/** The folder for PYTHONPATH with which moto runs. Installs and unpacks what is missing; does nothing the second time. */
export function ensureMoto(): string {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "labkeeper");
  const modules = join(cache, `moto-${RELEASE}`, "usr/lib/python3/dist-packages");
  if (existsSync(modules) && probe(modules) === null) return modules;
  if (!existsSync("/usr/bin/apt-get")) throw new MotoUnavailable("moto is not there, and this machine has no apt-get");
  installImports();
  if (!existsSync(modules)) unpackMoto(cache, join(cache, `moto-${RELEASE}`));
  const problem = probe(modules);
  if (problem !== null) throw new MotoUnavailable(`moto cannot be loaded: ${problem}`);
  return modules;
}

/** Null when moto and all its services can be imported, otherwise why not. */
function probe(modules: string): string | null {
  const { status, stderr, error } = spawnSync(PYTHON, ["-c", PROBE], {
    env: { PATH: process.env["PATH"], PYTHONPATH: modules },
    encoding: "utf8",
  });
  if (error !== undefined) return error.message;
  return status === 0 ? null : (stderr.trim().split("\n").at(-1) ?? "unknown error");
}

const isInstalled = (name: string): boolean =>
  spawnSync("dpkg-query", ["-s", name], { encoding: "utf8" }).stdout.includes("\nStatus: install ok installed\n");

function installImports(): void {
  const missing = IMPORTS.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const install = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new MotoUnavailable(
      `these Debian packages are missing, and only root can install them:\n  ${install.join(" ")}`,
    );
  }
  // A fresh machine has no package lists, and old lists name packages that mirrors no longer have.
  if (run(install) === null) return;
  must(["apt-get", "update"]);
  must(install);
}

/** Fetches the package with a package list of its own, so that the machine's stays as it is. Needs no root. */
function unpackMoto(cache: string, target: string): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    for (const folder of ["lists/partial", "cache/archives/partial"])
      mkdirSync(join(work, folder), { recursive: true });
    writeFileSync(join(work, "sources.list"), `${mirror()}\n`);
    const options = [
      `Dir::Etc::sourcelist=${work}/sources.list`,
      "Dir::Etc::sourceparts=/dev/null",
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      "Acquire::Languages=none",
      // The user that root's apt would fetch as cannot write here.
      "APT::Sandbox::User=",
    ].flatMap((option) => ["-o", option]);
    must(["apt-get", ...options, "update"], work);
    must(["apt-get", ...options, "download", "python3-moto"], work);
    const [deb] = readdirSync(work).filter((name) => name.endsWith(".deb"));
    if (deb === undefined) throw new MotoUnavailable("apt-get download brought no package");
    must(["dpkg-deb", "-x", deb, "unpacked"], work);
    // Another run may have been faster; what it unpacked is as good.
    if (!existsSync(target)) renameSync(join(work, "unpacked"), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A source line for the next release on the mirror that this machine already uses for its own. */
function mirror(folder = "/etc/apt"): string {
  const system = readText("/etc/os-release");
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(system)?.[1];
  if (!/^ID=debian$/m.test(system) || release === undefined) {
    throw new MotoUnavailable("moto is not there, and only on Debian is it known how to get it");
  }
  const parts = existsSync(`${folder}/sources.list.d`) ? readdirSync(`${folder}/sources.list.d`) : [];
  for (const name of ["sources.list", ...parts.map((part) => `sources.list.d/${part}`)]) {
    const found = sourceOf(readText(join(folder, name)), release);
    if (found !== null) return `deb ${found.signedBy} ${found.uri} ${RELEASE} main`;
  }
  throw new MotoUnavailable(`${folder} names no Debian mirror for ${release}`);
}

/** Both formats of sources.list(5). */
export function sourceOf(text: string, release: string): { readonly uri: string; readonly signedBy: string } | null {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.+)$`, "im").exec(stanza)?.[1] ?? "";
    const [uri] = field("URIs").split(/\s+/);
    const keyring = field("Signed-By");
    if (uri && field("Suites").split(/\s+/).includes(release)) return { uri, signedBy: signedBy(keyring) };
  }
  for (const line of text.split("\n")) {
    const [, options = "", uri = "", suite] = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/.exec(`${line} `) ?? [];
    if (suite === release) return { uri, signedBy: signedBy(/signed-by=(\S+)/.exec(options)?.[1] ?? "") };
  }
  return null;
}

const signedBy = (keyring: string): string => (keyring.startsWith("/") ? `[signed-by=${keyring}]` : "");

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** Null when it worked, otherwise the end of what it printed. */
function run([command = "", ...args]: readonly string[], cwd?: string): string | null {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (error !== undefined) return error.message;
  return status === 0 ? null : `${stdout}\n${stderr}`.trim().split("\n").slice(-5).join("\n");
}

function must(command: readonly string[], cwd?: string): void {
  const problem = run(command, cwd);
  if (problem !== null) throw new MotoUnavailable(`${command.join(" ")} failed:\n${problem}`);
}
