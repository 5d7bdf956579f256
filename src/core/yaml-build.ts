import type { Event, MappingEvent, ScalarEvent, SequenceEvent } from "js-yaml";
import {
  boolCoreTag,
  EVENT_ID,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  SCALAR_STYLE,
} from "js-yaml";
import type { DocumentCode } from "./document-codes.ts";
import { plain, quoted } from "./problem.ts";
import type { Json, JsonObject } from "./types.ts";
import type { Place } from "./yaml-place.ts";
import { pointerStep } from "./yaml-place.ts";

/** Deeper than any document here needs (5); the parser itself stops at 100. */
const MAX_DEPTH = 20;
const MAX_ALIASES = 32;
/** Counted with every alias written out, so that a few lines cannot stand for millions of values. */
const MAX_NODES = 10_000;

/** In one file. Nobody mends more at once, and each costs the search for its place. */
export const MAX_PROBLEMS = 100;

/** Keys that would reach an object's prototype in some later program. */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export interface Fault {
  readonly offset: number;
  readonly code: DocumentCode;
  readonly message: string;
  readonly remedy?: string;
}

interface Frame {
  readonly value: Json[] | JsonObject;
  /** Null inside a key or under a refused key: nothing there can be named. */
  readonly pointer: string | null;
  readonly anchor: string | null;
  readonly nodesBefore: number;
  readonly start: number;
  /** In a mapping: what the next node is. Null in a sequence. */
  next: "key" | "value" | null;
  /** Null: the key was refused, so its value is dropped. */
  key: string | null;
  keyOffset: number;
}

interface Build {
  readonly text: string;
  readonly faults: Fault[];
  readonly places: Map<string, Place> | null;
  /** Null while the anchored node is still open: an alias to it would be a cycle. */
  readonly anchors: Map<string, { readonly value: Json; readonly nodes: number } | null>;
  readonly stack: Frame[];
  root: Json;
  documents: number;
  nodes: number;
  aliases: number;
  /** Where the node before ended. */
  lastEnd: number;
}

const fault = (build: Build, offset: number, code: DocumentCode, message: string, remedy?: string): void => {
  if (build.faults.length >= MAX_PROBLEMS) return;
  build.faults.push({ offset: Math.max(offset, 0), code, message, ...(remedy === undefined ? {} : { remedy }) });
};

const countNodes = (build: Build, offset: number, nodes: number): void => {
  const before = build.nodes;
  build.nodes += nodes;
  if (before <= MAX_NODES && build.nodes > MAX_NODES)
    fault(build, offset, "LK2002", `the document has more than ${MAX_NODES} values with its aliases written out`);
};

/** The pointer of the node about to start; null for a key and for the value of a refused key. */
const nextPointer = (build: Build): string | null => {
  const frame = build.stack.at(-1);
  if (frame === undefined) return "";
  if (frame.pointer === null || frame.next === "key") return null;
  if (Array.isArray(frame.value)) return `${frame.pointer}${pointerStep(frame.value.length)}`;
  return frame.key === null ? null : `${frame.pointer}${pointerStep(frame.key)}`;
};

const remember = (build: Build, start: number, end: number): void => {
  build.lastEnd = Math.max(build.lastEnd, end);
  if (build.places === null) return;
  const pointer = nextPointer(build);
  const frame = build.stack.at(-1);
  const key = frame?.next === "value" ? frame.keyOffset : null;
  if (pointer !== null) build.places.set(pointer, { key, value: start < 0 ? (key ?? 0) : start, end });
};

/** Null, after a fault, when the key cannot be one. */
const checkedKey = (build: Build, frame: Frame, key: Json, offset: number, bare: boolean): string | null => {
  if (typeof key !== "string") {
    const collection = typeof key === "object" && key !== null;
    const message = collection ? "a key must be text, not a list or a mapping" : `key ${quoted(key)} is not text`;
    fault(build, offset, "LK2002", message, collection ? undefined : "Quote the key.");
    return null;
  }
  if (bare && key === "<<") {
    fault(build, offset, "LK2002", "merge key `<<` is not allowed", "Write the fields out.");
    return null;
  }
  if (PROTOTYPE_KEYS.has(key)) {
    fault(build, offset, "LK2002", `key ${quoted(key)} is not allowed`, "Choose another key.");
    return null;
  }
  if (Object.hasOwn(frame.value, key)) {
    fault(build, offset, "LK2001", `key ${quoted(key)} is there twice in one mapping`, "Keep one of the two.");
    return null;
  }
  return key;
};

/** Puts a finished node where it belongs. `bare`: a scalar written without quotes. */
const finish = (build: Build, value: Json, offset: number, bare: boolean): void => {
  const frame = build.stack.at(-1);
  if (frame === undefined) build.root = value;
  else if (Array.isArray(frame.value)) frame.value.push(value);
  else if (frame.next === "key") {
    frame.key = checkedKey(build, frame, value, offset, bare);
    frame.keyOffset = offset;
    frame.next = "value";
  } else {
    if (frame.key !== null) frame.value[frame.key] = value;
    frame.next = "key";
  }
};

/** Checks a node's properties; answers its anchor's name. */
const properties = (build: Build, event: ScalarEvent | SequenceEvent | MappingEvent): string | null => {
  if (event.tagStart >= 0) {
    const tag = plain(build.text.slice(event.tagStart, event.tagEnd), 40);
    fault(
      build,
      event.tagStart,
      "LK2002",
      `tag ${tag} is not allowed`,
      "Leave the tag out; quote text that looks like a number.",
    );
  }
  return event.anchorStart < 0 ? null : build.text.slice(event.anchorStart, event.anchorEnd);
};

const MAY_NOT_BE_TEXT = /^[-+.\d]|^(?:~|null|true|false)?$/i;

const bareValue = (build: Build, source: string, offset: number): Json => {
  if (!MAY_NOT_BE_TEXT.test(source)) return source;
  for (const tag of [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag]) {
    const value = tag.resolve(source, false, tag.tagName);
    if (value === NOT_RESOLVED) continue;
    if (typeof value !== "number" || Number.isFinite(value)) return value === 0 ? 0 : value;
    fault(build, offset, "LK2002", `${plain(source, 40)} is not a finite number`, "Quote it when it is text.");
    return 0;
  }
  return source;
};

const scalar = (build: Build, event: ScalarEvent): void => {
  const anchor = properties(build, event);
  const bare = event.style === SCALAR_STYLE.PLAIN;
  const isQuoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  const start = isQuoted ? event.valueStart - 1 : event.valueStart;
  countNodes(build, start, 1);
  remember(build, start, isQuoted ? event.valueEnd + 1 : event.valueEnd);
  const source = getScalarValue(build.text, event);
  const value = bare && event.tagStart < 0 ? bareValue(build, source, start) : source;
  if (anchor !== null) build.anchors.set(anchor, { value, nodes: 1 });
  finish(build, value, start, bare);
};

const open = (build: Build, event: SequenceEvent | MappingEvent): void => {
  const anchor = properties(build, event);
  countNodes(build, event.start, 1);
  remember(build, event.start, event.start);
  const isMapping = event.type === EVENT_ID.MAPPING;
  if (build.stack.length === MAX_DEPTH)
    fault(build, event.start, "LK2002", `nesting is deeper than ${MAX_DEPTH} levels`);
  if (anchor !== null) build.anchors.set(anchor, null);
  build.stack.push({
    value: isMapping ? {} : [],
    pointer: nextPointer(build),
    anchor,
    nodesBefore: build.nodes - 1,
    start: event.start,
    next: isMapping ? "key" : null,
    key: null,
    keyOffset: event.start,
  });
};

const close = (build: Build): void => {
  const frame = build.stack.pop();
  if (frame === undefined) return;
  if (frame.anchor !== null)
    build.anchors.set(frame.anchor, { value: frame.value, nodes: build.nodes - frame.nodesBefore });
  finish(build, frame.value, frame.start, false);
};

const alias = (build: Build, start: number, end: number): void => {
  const name = build.text.slice(start, end);
  const target = build.anchors.get(name);
  if (++build.aliases === MAX_ALIASES + 1) fault(build, start - 1, "LK2002", `more than ${MAX_ALIASES} aliases`);
  if (target === undefined) fault(build, start - 1, "LK2001", `alias *${plain(name, 40)} has no anchor before it`);
  if (target === null) fault(build, start - 1, "LK2002", `alias *${plain(name, 40)} refers to what contains it`);
  countNodes(build, start, target?.nodes ?? 1);
  remember(build, start - 1, end);
  finish(build, target?.value ?? null, start - 1, false);
};

/**
 * Builds one JSON value from the parser's events, by YAML's core schema. Everything that is YAML but not wanted in a
 * catalog becomes a fault, all of them in one pass; the value is then only good for guessing what the file meant.
 * With `places`, records where each node stands; without, it costs less.
 */
export const buildValue = (
  text: string,
  events: readonly Event[],
  places: Map<string, Place> | null,
): { readonly value: Json; readonly faults: readonly Fault[] } => {
  const build: Build = {
    text,
    faults: [],
    places,
    anchors: new Map(),
    stack: [],
    root: null,
    documents: 0,
    nodes: 0,
    aliases: 0,
    lastEnd: 0,
  };
  for (const event of events) {
    if (event.type === EVENT_ID.POP) close(build);
    else if (event.type === EVENT_ID.SCALAR) scalar(build, event);
    else if (event.type === EVENT_ID.ALIAS) alias(build, event.anchorStart, event.anchorEnd);
    else if (event.type !== EVENT_ID.DOCUMENT) open(build, event);
    else if (++build.documents > 1) {
      fault(
        build,
        text.indexOf("---", build.lastEnd),
        "LK2002",
        "a second document starts here",
        "Use one file for each.",
      );
      break;
    } else if (event.directives.length > 0) fault(build, 0, "LK2002", "directives (`%…`) are not allowed");
  }
  return { value: build.root, faults: build.faults };
};
