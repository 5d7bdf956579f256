import { createHash } from "node:crypto";

/** What content must be: 64 hex digits, and bytes. */
export interface Checksum {
  readonly sha256: string;
  readonly size: number;
}

export const sha256Of = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

export const checksumOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Checksum> => {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest("hex"), size };
};

/** Passes content on and fails at its end, with code ECHANGED, when it was not what it should be. */
export async function* checked(chunks: AsyncIterable<Uint8Array>, expected: Checksum): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  if (size !== expected.size || hash.digest("hex") !== expected.sha256) {
    throw Object.assign(new Error("the content changed while it was stored"), { code: "ECHANGED" });
  }
}
