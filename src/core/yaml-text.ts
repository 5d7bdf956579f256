/** 64 KiB: a lab file is a few hundred bytes, and a bound keeps the cost of a hostile one small. */
export const MAX_DOCUMENT_BYTES = 65_536;

const decoder = new TextDecoder("utf-8", { fatal: true });

export type DocumentText = { readonly text: string } | { readonly refused: string };

const startsWith = (bytes: Uint8Array, ...prefix: number[]): boolean =>
  prefix.every((byte, index) => bytes[index] === byte);

/**
 * The text of a document. A UTF-8 byte order mark at the start is dropped, because some editors write one unasked;
 * every other encoding is refused rather than guessed.
 */
export const documentText = (input: Uint8Array | string): DocumentText => {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  if (bytes.length > MAX_DOCUMENT_BYTES)
    return { refused: `it has ${bytes.length} bytes and at most ${MAX_DOCUMENT_BYTES} (64 KiB) are read` };
  if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)) return { refused: "it is UTF-16, not UTF-8" };
  const nul = bytes.indexOf(0);
  if (nul !== -1) return { refused: `byte ${nul + 1} is NUL` };
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    return { refused: "it is not UTF-8" };
  }
};
