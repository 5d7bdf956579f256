/** The exec contract's answers, parsed at the edge. Pure. docs/provisioners.md says the same in words. */

import { credentials } from "../core/credentials.ts";
import type { JsonObject, Observation } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Installed } from "../ports.ts";
import type { Verb } from "./exec-settings.ts";
import { cleanText } from "./log-lines.ts";

/** Deeper than any real document, far from any recursion limit. */
const MAX_DEPTH = 32;
const MAX_EVIDENCE = 50;
const MAX_TEXT = 500;

/** LK5005 tells what is wrong with an answer but never shows any of it: it may hold a password. */
const broken = (why: string): LabkeeperError => new LabkeeperError("LK5005", why);

/**
 * Cut before it is cleaned, too: of a megabyte nobody reads more than the beginning. What may hold a secret is redacted
 * first: of one that the cut goes through, half would be left.
 */
export const shortText = (text: string): string => cleanText(text.slice(0, 8 * MAX_TEXT)).slice(0, MAX_TEXT);

/** Takes secrets out of a text, before any of it is cut off. */
type Hide = (text: string) => string;
const shown: Hide = (text) => text;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One JSON object with only these keys. Throws LK5005. */
export function parseAnswer(verb: Verb, stdout: Uint8Array, keys: readonly string[]): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stdout));
  } catch {
    // The parser's own message quotes what it read, and so might a cause.
    throw broken(stdout.length === 0 ? `${verb} printed nothing` : `${verb} did not print one JSON object in UTF-8`);
  }
  if (!isObject(parsed)) throw broken(`${verb} printed JSON that is not an object`);
  for (const key of Object.keys(parsed)) {
    if (!keys.includes(key)) throw broken(`${verb} printed a field that is not in the contract`);
  }
  return parsed;
}

export const parsePrepare = (stdout: Uint8Array): JsonObject =>
  documentField("prepare", parseAnswer("prepare", stdout, ["intent"]), "intent");

export const parseUpdate = (stdout: Uint8Array): { readonly outputs: JsonObject } => ({
  outputs: documentField("update", parseAnswer("update", stdout, ["outputs"]), "outputs"),
});

export function parseInstall(stdout: Uint8Array): Installed {
  const answer = parseAnswer("install", stdout, ["outputs", "credentials"]);
  const outputs = documentField("install", answer, "outputs");
  const values = credentialValues(answer.credentials);
  const shown = JSON.stringify(outputs);
  for (const secret of secretValues(values)) {
    if (shown.includes(JSON.stringify(secret).slice(1, -1))) {
      throw broken("install put a credential's value into its outputs, which everybody may see");
    }
  }
  return { outputs, credentials: credentials(values) };
}

/** Throws LK5005 on any answer that is not a clear observation; the caller turns that into `unknown`. */
export function parseObserve(stdout: Uint8Array, hide: Hide = shown): Observation {
  const { verdict, evidence = [], reason } = parseAnswer("observe", stdout, ["verdict", "evidence", "reason"]);
  if (reason !== undefined && typeof reason !== "string") throw broken("observe printed a reason that is not text");
  if (!Array.isArray(evidence) || !evidence.every((line) => typeof line === "string")) {
    throw broken("observe printed evidence that is not a list of texts");
  }
  if (verdict === "unknown")
    return { verdict, reason: shortText(hide(reason ?? "")) || "the provisioner gave no reason" };
  if (verdict !== "present" && verdict !== "absent") throw broken("observe printed no verdict");
  if (verdict === "absent" && evidence.length === 0) throw broken("observe printed absent without evidence");
  return { verdict, evidence: evidence.slice(0, MAX_EVIDENCE).map((line) => shortText(hide(line))) };
}

/** The program's own word about a failure, when it left one; null on anything else. Never throws. */
export function failureMessage(verb: Verb, stdout: Uint8Array, hide: Hide = shown): string | null {
  try {
    const { error } = parseAnswer(verb, stdout, ["error"]);
    return isObject(error) && typeof error.message === "string" ? shortText(hide(error.message)) || null : null;
  } catch {
    return null;
  }
}

/** Values to hide wherever they turn up: those whose name says so, long enough not to hide ordinary words. */
export const secretValues = (values: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(values)
    .filter(([name, value]) => /pass|secret|token|key|kubeconfig/i.test(name) && value.length >= 6)
    .map(([, value]) => value);

/** Hides secrets in a line of log or an error; of one with many lines (a kubeconfig) every line that says something. */
export function hider(secrets: readonly string[]): (text: string) => string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split("\n").map((line) => line.trim())]);
  const hidden = [...new Set(parts)].filter((part) => part.length >= 6).sort((a, b) => b.length - a.length);
  return (text) => hidden.reduce((line, part) => line.replaceAll(part, "[secret]"), text);
}

function credentialValues(value: unknown): Record<string, string> {
  if (!isObject(value)) throw broken("install printed no credentials object");
  for (const [name, text] of Object.entries(value)) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) throw broken("install printed a credential with a bad name");
    if (typeof text !== "string" || text === "") throw broken("install printed a credential that is not a text");
  }
  return value as Record<string, string>;
}

function documentField(verb: Verb, answer: Record<string, unknown>, key: string): JsonObject {
  const value = answer[key];
  if (!isObject(value)) throw broken(`${verb} printed no ${key} object`);
  requireStorable(verb, key, value, 0);
  return value as JsonObject;
}

/** Refuses what Postgres' jsonb cannot hold (NUL, half characters) and what is a trap for JavaScript (`__proto__`). */
function requireStorable(verb: Verb, key: string, value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw broken(`${verb} printed ${key} nested deeper than ${MAX_DEPTH}`);
  if (typeof value === "number" && !Number.isFinite(value))
    throw broken(`${verb} printed a number too large in ${key}`);
  if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) {
    throw broken(`${verb} printed a text in ${key} that cannot be stored`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    if (name === "__proto__") throw broken(`${verb} printed a field named __proto__ in ${key}`);
    requireStorable(verb, key, name, depth);
    requireStorable(verb, key, item, depth + 1);
  }
}
