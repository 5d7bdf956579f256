/** What every package that comes with labkeeper has to fulfil. Pure: files are read by `supply-chain.ts`. */

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** One entry of `packages` in package-lock.json, version 3: docs.npmjs.com/cli/configuring-npm/package-lock-json. */
export interface LockedPackage extends Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
}

export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** What an installed package says of itself; `licenses` is how very old ones say it. */
export interface InstalledPackage {
  readonly version?: unknown;
  readonly license?: unknown;
  readonly licenses?: unknown;
}

/** SPDX identifiers under which labkeeper may be given on together with what it needs: all permissive. */
export const ALLOWED_LICENCES: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "PSF-2.0",
  "PostgreSQL",
  "Zlib",
];

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
/** A range of versions from a registry, and nothing with a place in it: no git, no http, no file, no alias. */
const FROM_REGISTRY = /^[\^~<>=v\d.*x\s|A-Za-z+-]*$/;

/** `A AND (B OR C)`, as SPDX writes it: whether somebody who accepts only the allowed ones may use it. */
export const isAllowedLicence = (expression: unknown): boolean => {
  if (typeof expression !== "string") return false;
  const tokens = expression.match(/\(|\)|[^\s()]+/g) ?? [];
  let wellFormed = true;
  const either = (): boolean => {
    let allowed = both();
    while (tokens[0] === "OR") {
      tokens.shift();
      // Both sides are read, whatever the first one says.
      const other = both();
      allowed ||= other;
    }
    return allowed;
  };
  const both = (): boolean => {
    let allowed = one();
    while (tokens[0] === "AND") {
      tokens.shift();
      const other = one();
      allowed &&= other;
    }
    return allowed;
  };
  const one = (): boolean => {
    const token = tokens.shift();
    if (token === "(") {
      const allowed = either();
      wellFormed &&= tokens.shift() === ")";
      return allowed;
    }
    wellFormed &&= token !== undefined && ![")", "AND", "OR"].includes(token);
    return token !== undefined && ALLOWED_LICENCES.includes(token);
  };
  return either() && wellFormed && tokens.length === 0;
};

const specifiers = ({ dependencies, devDependencies, optionalDependencies }: Manifest): [string, string][] =>
  [dependencies, devDependencies, optionalDependencies].flatMap((each) => Object.entries(each ?? {}));

export const manifestProblems = (manifest: Manifest): string[] =>
  specifiers(manifest)
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `package.json: ${name} is ${version}, not one exact version`);

/** Built for one platform, needed for development alone: registries may not say what their bytes are. */
const isToolForAPlatform = ({ dev, optional, os }: LockedPackage): boolean =>
  dev === true && optional === true && (os ?? []).length > 0;

const lockedProblems = (path: string, locked: LockedPackage): string[] => {
  const problems: string[] = [];
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  if (!path.startsWith("node_modules/") || locked.link === true) problems.push("is a folder, not a package");
  if (locked.name !== undefined && locked.name !== name) problems.push(`stands for another package, ${locked.name}`);
  if (!EXACT.test(locked.version ?? "")) problems.push("has no exact version");
  if (locked.resolved !== undefined) problems.push("names the place that it came from");
  if (!SHA512.test(locked.integrity ?? "") && !(locked.integrity === undefined && isToolForAPlatform(locked)))
    problems.push("has no sha512 integrity");
  for (const [needed, version] of specifiers(locked)) {
    if (!FROM_REGISTRY.test(version)) problems.push(`needs ${needed} from ${version}`);
  }
  return problems.map((problem) => `package-lock.json: ${path} ${problem}`);
};

export const lockProblems = ({ lockfileVersion, packages }: Lock): string[] => [
  ...(lockfileVersion === 3 ? [] : [`package-lock.json: version ${lockfileVersion}, not 3`]),
  ...Object.entries(packages).flatMap(([path, locked]) => (path === "" ? [] : lockedProblems(path, locked))),
];

/** `installed` answers null for what is not there, as packages of other platforms are. */
export const licenceProblems = ({ packages }: Lock, installed: (path: string) => InstalledPackage | null): string[] =>
  Object.entries(packages).flatMap(([path, locked]) => {
    if (path === "" || locked.dev === true) return [];
    const found = installed(path);
    if (found === null && locked.optional !== true) return [`${path}: is not installed; run npm ci`];
    if (found !== null && found.version !== locked.version)
      return [`${path}: ${found.version} is installed, the lock says ${locked.version}`];
    const licence = found === null ? locked.license : (found.license ?? found.licenses);
    return isAllowedLicence(licence) ? [] : [`${path}: licence ${JSON.stringify(licence)} is not on the list`];
  });
