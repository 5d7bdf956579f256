import { LabkeeperError } from "../errors.ts";
import { runGit } from "./git-command.ts";

export interface GitObject {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Null where the object is larger than asked for: its size is known, its content was not kept. */
export type BlobContent = Uint8Array | null;

/**
 * Reads many objects with one `git cat-file --batch`. Objects above `maxBytes` stream past without being kept.
 * Null when git is not there or cannot read this repository (another owner, a damaged object): the caller has
 * another way, which then says what is wrong. https://git-scm.com/docs/git-cat-file#_batch_output
 */
export async function catFile(
  command: string,
  gitdir: string,
  oids: readonly string[],
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Map<string, GitObject | null> | null> {
  const found = new Map<string, GitObject | null>();
  const parser = batchParser(maxBytes, (oid, object) => found.set(oid, object));
  const result = await runGit(command, {
    args: [`--git-dir=${gitdir}`, "cat-file", "--batch", "--buffer"],
    input: `${oids.join("\n")}\n`,
    signal,
    onStdout: parser,
  });
  if (result.kind === "absent" || result.code !== 0) return null;
  return oids.every((oid) => found.has(oid)) ? found : null;
}

/** Takes the output of `cat-file --batch` in any pieces. An object that git says is missing is left out. */
export function batchParser(
  maxBytes: number,
  found: (oid: string, object: GitObject | null) => void,
): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let body: { oid: string; type: string; size: number; left: number; parts: Buffer[] } | null = null;

  const header = (line: string): void => {
    const [, oid, type, digits] = /^([0-9a-f]{40}) (blob|tree|commit|tag) (\d+)$/.exec(line) ?? [];
    if (oid === undefined || type === undefined) {
      if (line.endsWith(" missing")) return;
      throw new LabkeeperError("LK1004", `git cat-file answered "${line.slice(0, 100)}"`);
    }
    const size = Number(digits);
    // Each content is followed by one line feed of its own.
    body = { oid, type, size, left: size + 1, parts: [] };
  };

  const content = (chunk: Buffer): Buffer => {
    if (body === null) return chunk;
    const taken = chunk.subarray(0, body.left);
    if (body.size <= maxBytes) body.parts.push(taken);
    body.left -= taken.length;
    if (body.left === 0) {
      const bytes = body.size <= maxBytes ? Buffer.concat(body.parts, body.size) : null;
      found(body.oid, bytes === null ? null : { type: body.type, bytes });
      body = null;
    }
    return chunk.subarray(taken.length);
  };

  return (chunk) => {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    rest = Buffer.alloc(0);
    while (data.length > 0) {
      if (body !== null) {
        data = content(data);
        continue;
      }
      const end = data.indexOf(0x0a);
      if (end === -1) {
        rest = Buffer.from(data);
        return;
      }
      header(data.toString("latin1", 0, end));
      data = data.subarray(end + 1);
    }
  };
}
