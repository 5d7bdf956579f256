const MOST_TRIES = 2_000;

/** A smaller input that still fails, by leaving out ever smaller pieces. Not the smallest there is, but one to read. */
export async function minimised(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => boolean | Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.length && tries < MOST_TRIES; ) {
      const candidate = Buffer.concat([best.subarray(0, from), best.subarray(from + size)]);
      tries++;
      if (await fails(candidate)) best = candidate;
      else from += size;
    }
  }
  return best;
}
