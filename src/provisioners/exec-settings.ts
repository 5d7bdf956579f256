/** What an operator registers for one exec provisioner, normalised once. */

import { isAbsolute } from "node:path";
import { LabkeeperError } from "../errors.ts";
import type { ProvisionerVerb } from "../ports.ts";

export type Verb = ProvisionerVerb;

export interface ExecSettings {
  /** The name that profiles use. */
  readonly name: string;
  /** Program and first arguments; the verb is added as the last one. Never goes through a shell. */
  readonly command: readonly string[];
  /** Where environment values come from: labkeeper's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Names passed on besides PATH, HOME, TMPDIR and LANG. */
  readonly allowEnvironment?: readonly string[];
  readonly timeoutSeconds?: Readonly<Partial<Record<Verb, number>>>;
  /** Most bytes on stdout; more breaks the contract. Default 1 MiB. */
  readonly maxOutputBytes?: number;
  /** Most characters of log kept of one call; the rest is dropped. Default 16 Mi. */
  readonly maxLogChars?: number;
  /** Between SIGTERM and SIGKILL. Default 10. */
  readonly termGraceSeconds?: number;
}

export interface ExecProgram {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: Readonly<Record<Verb, number>>;
  readonly maxOutputBytes: number;
  readonly maxLogChars: number;
  readonly termGraceMs: number;
}

const BASE_ENVIRONMENT = ["PATH", "HOME", "TMPDIR", "LANG"];

/** An install is bounded by the profile's provisionTimeoutMinutes too, whichever is shorter. */
const TIMEOUT_SECONDS: Record<Verb, number> = {
  prepare: 60,
  install: 6 * 3600,
  verify: 300,
  update: 1800,
  destroy: 3600,
  observe: 60,
};

/** Throws LK7001 on settings that could never work. */
export function execProgram(settings: ExecSettings): ExecProgram {
  const { name, command, environment, allowEnvironment = [], timeoutSeconds = {} } = settings;
  const refuse = (why: string): never => {
    throw new LabkeeperError("LK7001", `provisioner ${JSON.stringify(name)}: ${why}`);
  };
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) refuse("the name must be a DNS label");
  if (command.length === 0 || command[0] === "") refuse("the command is empty");
  // The program starts in the lab's work folder, so a relative path would mean another file for each lab.
  if (command[0]?.includes("/") && !isAbsolute(command[0])) refuse("the program must be a full path or a name on PATH");
  if (command.some((part) => part.includes("\0"))) refuse("the command holds a NUL character");
  const { maxOutputBytes = 1024 ** 2, maxLogChars = 16 * 1024 ** 2, termGraceSeconds = 10 } = settings;
  const numbers = { maxOutputBytes, maxLogChars, ...timeoutSeconds };
  for (const [field, value] of Object.entries(numbers)) {
    if (!(Number.isFinite(value) && value > 0)) refuse(`${field} must be a number above 0`);
  }
  if (!(Number.isFinite(termGraceSeconds) && termGraceSeconds >= 0)) refuse("termGraceSeconds must be 0 or more");
  const env: Record<string, string> = { LANG: "C.UTF-8" };
  for (const key of [...BASE_ENVIRONMENT, ...allowEnvironment]) {
    const value = environment[key];
    if (value !== undefined) env[key] = value;
  }
  return {
    name,
    command,
    env,
    timeoutSeconds: { ...TIMEOUT_SECONDS, ...timeoutSeconds },
    maxOutputBytes,
    maxLogChars,
    termGraceMs: termGraceSeconds * 1000,
  };
}
