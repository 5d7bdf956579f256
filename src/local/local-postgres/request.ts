/** What the exec contract hands to a program on stdin, and what this program keeps as its intent. */

import { basename, isAbsolute, normalize } from "node:path";
import { API_VERSION } from "../../core/types.ts";

export const VERBS = ["prepare", "install", "verify", "update", "destroy", "observe"] as const;
export type Verb = (typeof VERBS)[number];

/** Everything a destroy needs; made by `prepare`, kept by labkeeper. */
export interface Intent {
  /** Unique to this incarnation, like an OpenShift infraID; the server carries it as its cluster_name. */
  readonly infraId: string;
  /** The host that has the lab; nobody else can say anything of it. */
  readonly host: string;
  /** All of the lab: data, log, password. */
  readonly folder: string;
  /** On 127.0.0.1. When it is taken before the server starts, another is used and told in the outputs. */
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export interface LabFacts {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly owner: string;
  readonly costCenter: string;
  readonly workers: number;
  readonly ttlHours: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Request {
  readonly verb: Verb;
  readonly lab: LabFacts;
  readonly intent: Intent | null;
  readonly credentials: Readonly<Record<string, string>> | null;
  readonly workdir: string;
}

/** The caller broke the contract; exit code 3. */
export class ContractError extends Error {}

/** Throws ContractError on anything that this program cannot work with. */
export function parseRequest(verb: string | undefined, text: string): Request {
  if (!VERBS.some((known) => known === verb))
    throw new ContractError(`the last argument must be one of ${VERBS.join(", ")}`);
  const request = record(parseJson(text), "the request");
  if (request.apiVersion !== API_VERSION) throw new ContractError(`apiVersion must be ${API_VERSION}`);
  if (request.verb !== verb) throw new ContractError("verb differs from the argument");
  const lab = record(request.lab, "lab");
  const spec = record(lab.spec, "lab.spec");
  return {
    verb: verb as Verb,
    lab: {
      id: string(lab.id, "lab.id"),
      name: string(lab.name, "lab.name"),
      team: string(lab.team, "lab.team"),
      owner: string(spec.owner, "lab.spec.owner"),
      costCenter: string(spec.costCenter, "lab.spec.costCenter"),
      workers: number(spec.workers, "lab.spec.workers"),
      ttlHours: number(spec.ttlHours, "lab.spec.ttlHours"),
      tags: strings(spec.tags, "lab.spec.tags"),
    },
    intent: verb === "prepare" ? null : parseIntent(request.intent),
    credentials: request.credentials === null ? null : strings(request.credentials, "credentials"),
    workdir: string(request.workdir, "workdir"),
  };
}

/** Every verb but `prepare` needs one. */
export function intentOf({ verb, intent }: Request): Intent {
  if (intent === null) throw new ContractError(`${verb} needs an intent`);
  return intent;
}

export function credentialsOf({ verb, credentials }: Request): Readonly<Record<string, string>> {
  if (credentials === null) throw new ContractError(`${verb} needs credentials`);
  return credentials;
}

function parseIntent(value: unknown): Intent {
  const intent = record(value, "intent");
  const infraId = string(intent.infraId, "intent.infraId");
  const folder = string(intent.folder, "intent.folder");
  // A destroy removes this folder with all that is in it: it must be one that `prepare` can have named.
  const named = isAbsolute(folder) && normalize(folder) === folder && basename(folder) === infraId;
  if (!/^[a-z0-9][a-z0-9-]{2,40}$/.test(infraId) || !named) {
    throw new ContractError("intent.folder is not a folder of this lab");
  }
  return {
    infraId,
    host: string(intent.host, "intent.host"),
    folder,
    port: number(intent.port, "intent.port"),
    user: string(intent.user, "intent.user"),
    database: string(intent.database, "intent.database"),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The text may hold a password, and the parser quotes what it read.
    throw new ContractError("stdin is not one JSON object");
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ContractError(`${what} must be an object`);
  return value as Record<string, unknown>;
}

function string(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw new ContractError(`${what} must be a text`);
  return value;
}

function number(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new ContractError(`${what} must be a number`);
  return value;
}

function strings(value: unknown, what: string): Readonly<Record<string, string>> {
  const found = record(value, what);
  for (const [name, item] of Object.entries(found))
    if (typeof item !== "string") throw new ContractError(`${what}.${name} must be a text`);
  return found as Record<string, string>;
}
