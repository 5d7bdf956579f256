/** Small edits of lab files that keep everything else in them as people wrote it, comments included. */

import { canonicalJson } from "./canonical.ts";
import type { Json } from "./types.ts";
import { parseYaml } from "./yaml.ts";

/**
 * The file with `spec.ttlHours` set; null when it is written in a way that this cannot change safely (a flow mapping,
 * an alias). The result was read again: nothing but the hours differs.
 */
export const withTtlHours = (bytes: Uint8Array, path: string, hours: number): Uint8Array | null => {
  const document = parseYaml(bytes, path);
  if (document.problems.length > 0) return null;
  const wanted = expected(document.value, hours);
  if (wanted === null) return null;
  const edited = "ttlHours" in specOf(document.value) ? replaced(document, hours) : inserted(document, hours);
  if (edited === null) return null;
  const result = new TextEncoder().encode(edited);
  const again = parseYaml(result, path);
  return again.problems.length === 0 && canonicalJson(again.value) === canonicalJson(wanted) ? result : null;
};

type Document = ReturnType<typeof parseYaml>;

const specOf = (value: Json): { readonly [key: string]: Json } => {
  const spec = typeof value === "object" && value !== null && !Array.isArray(value) ? value["spec"] : null;
  return typeof spec === "object" && spec !== null && !Array.isArray(spec) ? spec : {};
};

const expected = (value: Json, hours: number): Json | null =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value, spec: { ...specOf(value), ttlHours: hours } }
    : null;

/** Lines with their ends, so that joining them gives the same text. */
const linesOf = (text: string): string[] => text.split(/(?<=\r\n|\n|\r(?!\n))/);

const replaced = (document: Document, hours: number): string | null => {
  const { line, column } = document.at("/spec/ttlHours");
  const written = document.written("/spec/ttlHours");
  const lines = linesOf(document.text);
  const old = lines[line - 1];
  if (old === undefined || written === "" || old.slice(column - 1, column - 1 + written.length) !== written)
    return null;
  lines[line - 1] = `${old.slice(0, column - 1)}${hours}${old.slice(column - 1 + written.length)}`;
  return lines.join("");
};

/** Above the first field of `spec`, indented as that is. */
const inserted = (document: Document, hours: number): string | null => {
  const [first] = Object.keys(specOf(document.value));
  if (first === undefined) return null;
  const { line, column } = document.keyAt(`/spec/${first.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const lines = linesOf(document.text);
  const old = lines[line - 1];
  if (old === undefined || old.slice(0, column - 1).trim() !== "") return null;
  const end = /\r\n|\n|\r/.exec(old)?.[0] ?? "\n";
  lines.splice(line - 1, 0, `${old.slice(0, column - 1)}ttlHours: ${hours}${end}`);
  return lines.join("");
};
