import { parseEvents, YAMLException } from "js-yaml";
import type { Position } from "./problem.ts";
import { byPlace, plain, problemAt, START } from "./problem.ts";
import type { Json, Problem } from "./types.ts";
import { buildValue } from "./yaml-build.ts";
import type { Place } from "./yaml-place.ts";
import { nearest, positionAt } from "./yaml-place.ts";
import { documentText } from "./yaml-text.ts";

/** One YAML document with the places of its nodes, named by JSON pointer (RFC 6901). */
export interface YamlDocument {
  readonly path: string;
  /** Only to be trusted when there are no problems; else good for guessing what the file meant. */
  readonly value: Json;
  readonly problems: readonly Problem[];
  /** The text; empty when it is not even text. */
  readonly text: string;
  /** Where a value starts; where it is missing, what is nearest above it. */
  at(pointer: string): Position;
  /** Where a field's name starts. */
  keyAt(pointer: string): Position;
  /** A scalar as it is written, quotes and all. */
  written(pointer: string): string;
}

const unreadable = (path: string, text: string, problem: Problem): YamlDocument => ({
  path,
  value: null,
  problems: [problem],
  text,
  at: () => START,
  keyAt: () => START,
  written: () => "",
});

const syntaxProblem = (path: string, text: string, error: unknown): Problem => {
  if (!(error instanceof YAMLException)) return problemAt(path, START, "LK2001", "the parser gave up on it");
  return problemAt(path, positionAt(text, error.mark?.position ?? 0), "LK2001", plain(error.reason));
};

/**
 * Reads one document of plain YAML: the core schema without tags, merge keys, directives or further documents, aliases
 * bounded. Never throws: what is wrong is in `problems`: the first hundred, or the one
 * at which the syntax itself is broken.
 */
export const parseYaml = (input: Uint8Array | string, path: string): YamlDocument => {
  const read = documentText(input);
  if ("refused" in read) return unreadable(path, "", problemAt(path, START, "LK2003", read.refused));
  const { text } = read;
  try {
    const events = parseEvents(text, { maxDepth: 100 });
    const { value, faults } = buildValue(text, events, null);
    // Places cost as much as the parse and are wanted for the rare file with a problem, so they wait until asked.
    let known: Map<string, Place> | null = null;
    const place = (pointer: string): Place => {
      if (known === null) {
        known = new Map();
        buildValue(text, events, known);
      }
      return nearest(known, pointer);
    };
    return {
      path,
      value,
      problems: faults
        .map((fault) => problemAt(path, positionAt(text, fault.offset), fault.code, fault.message, fault.remedy))
        .sort(byPlace),
      text,
      at: (pointer) => positionAt(text, place(pointer).value),
      keyAt: (pointer) => positionAt(text, place(pointer).key ?? place(pointer).value),
      written: (pointer) => text.slice(place(pointer).value, place(pointer).end),
    };
  } catch (error) {
    return unreadable(path, text, syntaxProblem(path, text, error));
  }
};
