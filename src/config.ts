import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type CloudConfig, cloudConfig } from "./config-cloud.ts";
import type { ConfigFile, ProvisionerSettings } from "./config-file.ts";
import { type GithubParts, githubConfig, githubSources } from "./config-github.ts";
import type { Parse } from "./config-values.ts";
import {
  artifactsUrl,
  catalogAddress,
  databaseUrl,
  oneOf,
  path,
  reference,
  secretsUrl,
  wholeNumber,
} from "./config-values.ts";
import { LabkeeperError } from "./errors.ts";
import type { QueueLimits } from "./ports.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything that can be set, normalised: absolute paths, checked numbers, defaults filled in. */
export interface Config extends CloudConfig, GithubParts {
  readonly stateDir: string;
  /** The file these settings were read from; null when there is none. */
  readonly configFile: string | null;
  /** A path or an http(s) URL; null when nothing names one and the current folder is not a catalog. */
  readonly catalog: string | null;
  /** Null: the repository's default branch. */
  readonly catalogRef: string | null;
  /** Null: an embedded Postgres in the state folder. Holds a password: never print it. */
  readonly databaseUrl: string | null;
  readonly secretsKeyFile: string;
  readonly profilesFolder: string | null;
  /** Sent to `githubHost` alone, over https alone; only from the environment. Never print it. */
  readonly githubToken: string | null;
  readonly logLevel: LogLevel;
  readonly pollSeconds: number;
  readonly worker: {
    readonly concurrency: number;
    readonly destroySlots: number;
    /** How often the queue is looked at when no notification comes. */
    readonly pollSeconds: number;
    /** Between the two looks that prove a destroy. */
    readonly observationGapSeconds: number;
  };
  readonly lease: { readonly seconds: number; readonly heartbeatSeconds: number };
  readonly limits: QueueLimits;
  /** What the file registers, by name; `wire.ts` adds the built-in ones. */
  readonly provisioners: Readonly<Record<string, ProvisionerSettings>>;
  /** This process's environment, from which child processes get the few variables they are allowed. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Global options of the command line; they win over the environment and the file. */
export interface Flags {
  readonly stateDir?: string | undefined;
  readonly config?: string | undefined;
  readonly catalog?: string | undefined;
  readonly ref?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Names that labkeeper reads. `doctor` warns of others that start with LABKEEPER_. */
export const VARIABLES: readonly string[] = [
  "LABKEEPER_ARTIFACTS",
  "LABKEEPER_CATALOG",
  "LABKEEPER_CATALOG_REF",
  "LABKEEPER_CONCURRENCY",
  "LABKEEPER_CONFIG",
  "LABKEEPER_DATABASE_URL",
  "LABKEEPER_GITHUB_APP_ID",
  "LABKEEPER_GITHUB_INSTALLATION_ID",
  "LABKEEPER_GITHUB_PRIVATE_KEY",
  "LABKEEPER_GITHUB_REPOSITORY",
  "LABKEEPER_GITHUB_WEBHOOK_SECRET",
  "LABKEEPER_LISTEN",
  "LABKEEPER_LOG_LEVEL",
  "LABKEEPER_POLL_SECONDS",
  "LABKEEPER_PROFILES",
  "LABKEEPER_SECRETS",
  "LABKEEPER_SECRETS_KEY_FILE",
  "LABKEEPER_STATE_DIR",
];

/** Collects what is wrong, so that everything is said at once. */
const reader = (environment: Environment, problems: string[]) => {
  const parse = <T>(where: string, text: string, parser: Parse<T>): T | null => {
    const parsed = parser(text);
    if ("value" in parsed) return parsed.value;
    problems.push(`${where}: allowed is ${parsed.allowed}`);
    return null;
  };
  const variable = (name: string): string | undefined => environment[name] || undefined;
  return {
    variable,
    /** The first source that says something: flag, then variable, then file. */
    first: <T>(
      parser: Parse<T>,
      sources: { flag?: [string, string | undefined]; env?: string; file?: [string, string | number | undefined] },
    ): T | null => {
      const [flag, flagText] = sources.flag ?? ["", undefined];
      if (flagText !== undefined) return parse(flag, flagText, parser);
      const fromEnvironment = sources.env === undefined ? undefined : variable(sources.env);
      if (fromEnvironment !== undefined) return parse(sources.env ?? "", fromEnvironment, parser);
      const [field, value] = sources.file ?? ["", undefined];
      return value === undefined ? null : parse(field, String(value), parser);
    },
  };
};

type Reader = ReturnType<typeof reader>;

const findConfigFile = (read: Reader, flags: Flags, cwd: string, stateDir: string): string | null => {
  const named = read.first(path(cwd), { flag: ["--config", flags.config], env: "LABKEEPER_CONFIG" });
  if (named !== null) return named;
  const usual = join(stateDir, "config.yaml");
  return existsSync(usual) ? usual : null;
};

const leaseOf = (file: ConfigFile, problems: string[]): Config["lease"] => {
  const seconds = file.lease?.seconds ?? 60;
  const heartbeatSeconds = file.lease?.heartbeatSeconds ?? Math.min(15, Math.max(1, Math.floor(seconds / 4)));
  if (heartbeatSeconds * 3 > seconds) {
    problems.push(`lease.heartbeatSeconds: allowed is at most a third of lease.seconds (${Math.floor(seconds / 3)})`);
  }
  return { seconds, heartbeatSeconds };
};

const defaultStateDir = (read: Reader): string => {
  const base = read.variable("XDG_STATE_HOME");
  // The XDG base directory specification: a relative path is invalid and ignored.
  return base?.startsWith("/") ? join(base, "labkeeper") : join(homedir(), ".local", "state", "labkeeper");
};

const catalogHere = (cwd: string): string | null => (existsSync(join(cwd, "catalog.yaml")) ? cwd : null);

const deepFreeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner);
  }
  return Object.freeze(value);
};

/**
 * Joins flags, environment, configuration file and defaults (in this order of precedence) into one frozen value.
 * Throws LK7001 that names every bad value and what is allowed; it never repeats the value, which may be secret.
 */
export const loadConfig = async (
  flags: Flags = {},
  environment: Environment = process.env,
  cwd: string = process.cwd(),
): Promise<Config> => {
  const problems: string[] = [];
  const read = reader(environment, problems);
  const stateDir =
    read.first(path(cwd), { flag: ["--state-dir", flags.stateDir], env: "LABKEEPER_STATE_DIR" }) ??
    defaultStateDir(read);
  const configFile = findConfigFile(read, flags, cwd, stateDir);
  let file: ConfigFile = {};
  if (configFile !== null) {
    const { readConfigFile } = await import("./config-file.ts");
    const answer = await readConfigFile(configFile);
    file = answer.settings;
    problems.push(...answer.problems);
  }
  const base = configFile === null ? cwd : resolve(configFile, "..");
  const number = (env: string, field: string, value: number | undefined, least: number, most: number): number | null =>
    read.first(wholeNumber(least, most), { env, file: [field, value] });
  const catalog =
    read.first(catalogAddress(cwd), { flag: ["--catalog", flags.catalog], env: "LABKEEPER_CATALOG" }) ??
    read.first(catalogAddress(base), { file: ["catalog", file.catalog] }) ??
    catalogHere(cwd);
  const githubToken = read.variable("GITHUB_TOKEN") ?? null;
  const config: Config = {
    stateDir,
    configFile,
    catalog,
    catalogRef: read.first(reference, {
      flag: ["--ref", flags.ref],
      env: "LABKEEPER_CATALOG_REF",
      file: ["catalogRef", file.catalogRef],
    }),
    databaseUrl: read.first(databaseUrl, { env: "LABKEEPER_DATABASE_URL", file: ["databaseUrl", file.databaseUrl] }),
    ...cloudConfig(
      {
        stateDir,
        artifacts: read.first(artifactsUrl, { env: "LABKEEPER_ARTIFACTS", file: ["artifacts", file.artifacts] }),
        secrets: read.first(secretsUrl, { env: "LABKEEPER_SECRETS", file: ["secrets", file.secrets] }),
        installer: read.first(path(base), {
          env: "OPENSHIFT_INSTALL_BIN",
          file: ["openshift.installer", file.openshift?.installer],
        }),
        oc: read.first(path(base), { file: ["openshift.oc", file.openshift?.oc] }),
        ccoctl: read.first(path(base), { file: ["openshift.ccoctl", file.openshift?.ccoctl] }),
        installersFolder: read.first(path(base), {
          file: ["openshift.installersFolder", file.openshift?.installersFolder],
        }),
      },
      file,
      problems,
    ),
    secretsKeyFile:
      read.first(path(base), { env: "LABKEEPER_SECRETS_KEY_FILE", file: ["secretsKeyFile", file.secretsKeyFile] }) ??
      join(stateDir, "secrets.key"),
    profilesFolder: read.first(path(base), { env: "LABKEEPER_PROFILES", file: ["profiles", file.profiles] }),
    githubToken,
    ...githubConfig({ catalog, token: githubToken, ...githubSources(read, file, { cwd, base }) }, problems),
    logLevel:
      read.first(oneOf(...LOG_LEVELS), { env: "LABKEEPER_LOG_LEVEL", file: ["logLevel", file.logLevel] }) ?? "info",
    pollSeconds: number("LABKEEPER_POLL_SECONDS", "pollSeconds", file.pollSeconds, 1, 86_400) ?? 30,
    worker: {
      concurrency: number("LABKEEPER_CONCURRENCY", "worker.concurrency", file.worker?.concurrency, 1, 500) ?? 8,
      destroySlots: file.worker?.destroySlots ?? 2,
      pollSeconds: file.worker?.pollSeconds ?? 5,
      observationGapSeconds: file.worker?.observationGapSeconds ?? 2,
    },
    lease: leaseOf(file, problems),
    limits: { jobs: 100, creates: 20, createsPerTeam: 10, createsPerAccountRegion: 10, ...file.limits },
    provisioners: file.provisioners ?? {},
    environment: { ...environment },
  };
  if (problems.length > 0) {
    throw new LabkeeperError(
      "LK7001",
      problems.length === 1 ? problems.join() : problems.map((p) => `\n  - ${p}`).join(""),
    );
  }
  return deepFreeze(config);
};

/** What the terminal's owner asked for: https://no-color.org, and `TERM=dumb`. */
export const coloursRefused = (environment: Environment = process.env): boolean =>
  Boolean(environment["NO_COLOR"]) || environment["TERM"] === "dumb";

/** The environment without labkeeper's own settings and secrets: what a demo starts from, whatever is set outside. */
export const neutralEnvironment = (environment: Environment = process.env): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("LABKEEPER_") && name !== "GITHUB_TOKEN"),
  );
