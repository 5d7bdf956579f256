/** The one way in which bytes go to GitHub and come back: within a time, up to a size, without following anywhere. */

/** Pages of a hundred pull requests are around 2 MB. */
const MOST_BYTES = 32 * 1024 * 1024;

const NO_BODY = [204, 205, 304];

const read = async (response: Response): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`the answer has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, size));
};

/**
 * A `fetch` for Octokit. The whole answer has to arrive within `timeoutMs`: half an answer is none. Redirects are
 * handed back as they are, since one after a POST would become a GET and another host must not get the token.
 */
export const boundedFetch =
  (timeoutMs: number): typeof fetch =>
  async (input, init) => {
    const late = AbortSignal.timeout(timeoutMs);
    const outer = init?.signal;
    const signal = outer === undefined || outer === null ? late : AbortSignal.any([late, outer]);
    try {
      const response = await fetch(input, { ...init, redirect: "manual", signal });
      const bytes = NO_BODY.includes(response.status) ? null : await read(response);
      const { status, statusText, headers } = response;
      // `fetch` has decoded the body; the header would make a reader do so again.
      const kept = new Headers(headers);
      kept.delete("content-encoding");
      return new Response(bytes, { status, statusText, headers: kept });
    } catch (error) {
      if (!late.aborted && outer?.aborted !== true) throw error;
      const words = late.aborted ? `nothing complete within ${timeoutMs / 1000} s` : "it was interrupted";
      // By this name Octokit knows what must not be sent again at once.
      throw Object.assign(new Error(words), { name: "AbortError" });
    }
  };
