import type { GitHttpRequest, GitHttpResponse, HttpClient } from "isomorphic-git";
import { LabkeeperError } from "../errors.ts";
import { checkAnswer, refused } from "./http-answer.ts";

export interface HttpOptions {
  /** Read anew for each operation: an app's tokens live an hour. Sent only to the catalog's own origin. */
  readonly token?: (() => Promise<string | null>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte before a request is given up. */
  readonly idleMs: number;
  /** The largest answer taken, in bytes; larger ones of a source that cannot be trusted are not asked for again. */
  readonly maxAnswerBytes?: number;
}

const MAX_REDIRECTS = 5;
const MAX_ANSWER_BYTES = 1024 ** 3;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * What isomorphic-git sends its requests through. Its own client waits for ever on a connection that is cut in the
 * middle and hands on half an answer as if it were whole; this one reads the answer to its end, within a time without
 * silence, checks that it is complete, and turns what goes wrong into LK1001 with its remedy.
 * As git does, it follows redirects of the first request of an operation and sends the rest where they led.
 */
export function createHttpClient(repositoryUrl: string, options: HttpOptions): HttpClient {
  let base = repositoryUrl;
  let authorization: Promise<string | null> | null = null;

  const authorize = async (url: string): Promise<Record<string, string>> => {
    if (new URL(url).origin !== new URL(repositoryUrl).origin) return {};
    authorization ??= Promise.resolve(options.token?.() ?? null);
    const token = await authorization;
    if (token !== null) refuseInTheClear(new URL(url));
    // GitHub takes any user name beside a token; this one it documents for apps.
    return token === null
      ? {}
      : { authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}` };
  };

  const send = async (method: string, url: string, request: GitHttpRequest): Promise<GitHttpResponse> => {
    const credentials = await authorize(url);
    const body = request.body === undefined ? null : Buffer.concat(await collect(request.body));
    const headers = { ...request.headers, ...credentials, "user-agent": "git/labkeeper" };
    const { response, bytes } = await exchange(url, { method, headers, body }, options);
    if (REDIRECTS.includes(response.status)) return { ...answer(url, response, bytes), body: noBody() };
    if (response.status !== 200) throw refused(url, response.status, "authorization" in credentials);
    checkAnswer(url, bytes);
    return answer(url, response, bytes);
  };

  return {
    async request(request) {
      const path = request.url.slice(repositoryUrl.length);
      for (let turn = 0; turn <= MAX_REDIRECTS; turn++) {
        const response = await send(request.method ?? "GET", base + path, request);
        if (response.statusCode === 200) return response;
        base = redirected(base, path, response.headers?.["location"]);
      }
      throw new LabkeeperError("LK1001", `${base} redirects without end`);
    },
  };
}

/** Basic authentication over plain http can be read on the way; this machine alone is exempt. */
function refuseInTheClear({ protocol, hostname }: URL): void {
  if (protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return;
  throw new LabkeeperError("LK1005", `a token is not sent to ${hostname} over http`, {
    remedy: "Use the repository's https URL.",
  });
}

/** The base a redirect leads to; it has to keep what follows the base, as git asks for too. */
function redirected(base: string, path: string, location: string | undefined): string {
  const target = location !== undefined && URL.canParse(location, base) ? new URL(location, base) : null;
  const insecure = target !== null && base.startsWith("https:") && target.protocol !== "https:";
  if (target === null || insecure || !target.href.endsWith(path)) {
    throw new LabkeeperError("LK1001", `${base} redirects to something that is not the same repository`, {
      remedy: "Set LABKEEPER_CATALOG to the repository's own https URL.",
    });
  }
  return target.href.slice(0, -path.length);
}

async function exchange(
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body: Buffer<ArrayBuffer> | null;
  },
  { signal, idleMs, maxAnswerBytes = MAX_ANSWER_BYTES }: HttpOptions,
): Promise<{ response: Response; bytes: Buffer }> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), idleMs);
  try {
    const stop = signal === undefined ? idle.signal : AbortSignal.any([idle.signal, signal]);
    const response = await fetch(url, { ...init, redirect: "manual", signal: stop });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxAnswerBytes) throw tooLarge(url, maxAnswerBytes);
    }
    return { response, bytes: Buffer.concat(chunks, size) };
  } catch (cause) {
    if (cause instanceof LabkeeperError) throw cause;
    throw new LabkeeperError("LK1001", `${withoutQuery(url)} ${failure(cause, idle.signal, signal, idleMs)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(url: string, bytes: number): LabkeeperError {
  const detail = `${withoutQuery(url)} answers with more than ${Math.floor(bytes / 1024 ** 2)} MiB`;
  return new LabkeeperError("LK1001", detail, bytes < MAX_ANSWER_BYTES ? { disposition: "stop" } : {});
}

function failure(cause: unknown, idle: AbortSignal, outer: AbortSignal | undefined, idleMs: number): string {
  if (outer?.aborted) return "was interrupted";
  if (idle.aborted) return `was silent for ${idleMs / 1000} s`;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? ("code" in inner ? String(inner.code) : inner.message) : "unknown";
  return `cannot be read (${reason})`;
}

const withoutQuery = (url: string): string => url.replace(/\?.*/s, "");

function answer(url: string, response: Response, bytes: Buffer): GitHttpResponse {
  return {
    url,
    method: "",
    statusCode: response.status,
    statusMessage: response.statusText,
    headers: Object.fromEntries(response.headers),
    body: once(bytes),
  };
}

async function* once(bytes: Buffer): AsyncIterableIterator<Uint8Array> {
  yield bytes;
}

async function* noBody(): AsyncIterableIterator<Uint8Array> {
  // A redirect's page is of no interest.
}

async function collect(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return parts;
}
