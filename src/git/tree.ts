import { LabkeeperError } from "../errors.ts";

export interface TreeEntry {
  readonly kind: "tree" | "file" | "symlink" | "submodule";
  /** The name's bytes, one character each: what git compares. */
  readonly key: string;
  /** The name for people and paths; see `displayName`. */
  readonly name: string;
  readonly oid: string;
}

const KINDS = new Map<number, TreeEntry["kind"]>([
  [0o040000, "tree"],
  [0o100000, "file"],
  [0o120000, "symlink"],
  [0o160000, "submodule"],
]);
const FILE_TYPE = 0o170000;
const OID_BYTES = 20;

/**
 * Reads a raw git tree. isomorphic-git's own reader throws on names it thinks unsafe and loses bytes that are not
 * UTF-8; here every entry of a well-formed tree comes through. Throws LK1004 when the bytes are not a tree.
 */
export function parseTree(bytes: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = entryEnd(bytes, at);
    entries.push(parseEntry(bytes, at, end));
    at = end;
  }
  return entries;
}

/**
 * The entries of two raw trees without those that are the same in both. Compares bytes and builds nothing for what is
 * the same, so that one change among 10,000 files costs a few milliseconds.
 */
export function changedEntries(before: Buffer, after: Buffer): { before: TreeEntry[]; after: TreeEntry[] } {
  const changed: { before: TreeEntry[]; after: TreeEntry[] } = { before: [], after: [] };
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    const [iEnd, jEnd] = [entryEnd(before, i), entryEnd(after, j)];
    if (iEnd - i === jEnd - j && before.compare(after, j, jEnd, i, iEnd) === 0) {
      [i, j] = [iEnd, jEnd];
      continue;
    }
    const [old, now] = [parseEntry(before, i, iEnd), parseEntry(after, j, jEnd)];
    const [oldName, nowName] = [sortName(old), sortName(now)];
    if (oldName <= nowName) {
      changed.before.push(old);
      i = iEnd;
    }
    if (nowName <= oldName) {
      changed.after.push(now);
      j = jEnd;
    }
  }
  changed.before.push(...parseTree(before.subarray(i)));
  changed.after.push(...parseTree(after.subarray(j)));
  return changed;
}

/** git sorts a folder as if its name ended in a slash. */
const sortName = ({ key, kind }: TreeEntry): string => (kind === "tree" ? `${key}/` : key);

function entryEnd(bytes: Buffer, at: number): number {
  const nul = bytes.indexOf(0, at);
  const end = nul + 1 + OID_BYTES;
  if (nul === -1 || end > bytes.length) throw new LabkeeperError("LK1004", "a tree ends in the middle of an entry");
  return end;
}

function parseEntry(bytes: Buffer, at: number, end: number): TreeEntry {
  const nul = end - OID_BYTES - 1;
  const space = bytes.indexOf(0x20, at);
  const mode = bytes.toString("latin1", at, Math.min(space, nul));
  const kind = KINDS.get(Number.parseInt(mode, 8) & FILE_TYPE);
  if (space === -1 || space > nul || kind === undefined) {
    throw new LabkeeperError("LK1004", "a tree holds an entry of an unknown kind");
  }
  const name = bytes.subarray(space + 1, nul);
  const key = name.toString("latin1");
  return { kind, key, name: displayName(key, name), oid: bytes.toString("hex", nul + 1, end) };
}

/** The path for people of a path in bytes, one character each. */
export const displayPath = (key: string): string =>
  key
    .split("/")
    .map((name) => displayName(name, Buffer.from(name, "latin1")))
    .join("/");

const PLAIN = /^[\w.-]+$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A name as it is written, save two sorts that git itself never writes and that could be mistaken for another path:
 * bytes that are not UTF-8, and `.`, `..` or a slash inside one name. Those are written with `\xNN`; the backslash
 * keeps them apart from every allowed name.
 */
function displayName(key: string, bytes: Buffer): string {
  if (PLAIN.test(key) && key !== "." && key !== "..") return key;
  if (key === "" || key === "." || key === ".." || key.includes("/")) return escaped(key, /[./]/);
  try {
    return utf8.decode(bytes);
  } catch {
    return escaped(key, /[^\x20-\x7e]/);
  }
}

function escaped(key: string, unsafe: RegExp): string {
  if (key === "") return "\\x00";
  const hex = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return [...key].map((char) => (unsafe.test(char) || char > "\x7e" ? hex(char) : char)).join("");
}
