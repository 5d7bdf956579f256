/** Seeded numbers for simulations: the same seed gives the same numbers on every machine. Not for secrets. */

import { createHash } from "node:crypto";

/** Uniform numbers in [0, 1) from a seed made of `parts`. Generator: sfc32, seeded with sha256. */
export function prng(...parts: readonly (string | number)[]): () => number {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let counter = digest.readUInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
}
