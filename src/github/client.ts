import type { Octokit } from "@octokit/rest";
import { LabkeeperError } from "../errors.ts";
import { createEtags } from "./etags.ts";
import { type Failure, failureOf, isLimited, pauseMs, refusal } from "./refusal.ts";
import type { Shape } from "./shape.ts";
import { createTurns, orStopped } from "./turns.ts";

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Statuses that the caller understands: answered as null instead of thrown. */
  readonly accept?: readonly number[];
  /** Doing it twice would show: it is sent exactly once, whatever becomes of the answer. */
  readonly once?: boolean;
}

export type Parameters = Readonly<Record<string, unknown>>;

export interface GithubClient {
  /**
   * One request by Octokit's route template (`GET /repos/{owner}/{repo}`), whose parameters it encodes; the configured
   * repository fills owner and repo. Writes go one at a time.
   * @throws LK8001, LK8002, LK8003, LK8006, LK8007 with method, path and status
   */
  ask<T>(route: string, parameters: Parameters, shape: Shape<T>, options?: AskOptions): Promise<T>;
  /** The same, with null for a status in `accept`. */
  attempt<T>(
    route: string,
    parameters: Parameters,
    shape: Shape<T>,
    options: AskOptions,
  ): Promise<{ readonly status: number; readonly value: T | null }>;
  /** A list page by page, a hundred at a time, each asked for only when it has not changed since (ETag). */
  pages<T>(
    route: string,
    parameters: Parameters,
    page: Shape<readonly T[]>,
    signal?: AbortSignal,
  ): AsyncGenerator<Page<T>>;
  /** The server's clock minus this host's, milliseconds, by the last answer; null before one. */
  skewMs(): number | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

export interface Authorization {
  /** Null: the request signs itself. */
  header(signal: AbortSignal | undefined): Promise<string | null>;
  /** A header that was refused; true when another is worth a try. */
  refused(header: string | null): boolean;
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly link: string | null;
}

const PAGE_SIZE = 100;
/** A list that goes on for longer is none of GitHub's: whoever answers like that wants all of this host's memory. */
export const MOST_PAGES = 300;
const NOT_MODIFIED = 304;

/** The page that the `Link` header names as next; its address is not followed, so nothing leads elsewhere. */
const nextPage = (link: string | null): number | null => {
  const next = /<([^<>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (next === undefined || !URL.canParse(next)) return null;
  const page = Number(new URL(next).searchParams.get("page"));
  return Number.isSafeInteger(page) && page > 1 ? page : null;
};

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

export const endless = (what: string): LabkeeperError =>
  new LabkeeperError("LK8001", `${what} answered a list without end`);

/** Octokit gives whole numbers that are too big to be exact as `bigint`, which JSON does not know. */
const sizeOf = (data: unknown): number =>
  JSON.stringify(data, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))?.length ?? 0;

export const createClient = (
  octokit: Octokit,
  place: { readonly owner: string; readonly name: string },
  authorization: Authorization,
): GithubClient => {
  const etags = createEtags();
  const inTurn = createTurns();
  let pausedUntil = 0;
  let skew: number | null = null;

  const located = (route: string, parameters: Parameters): Parameters =>
    route.includes("{owner}") ? { owner: place.owner, repo: place.name, ...parameters } : parameters;

  /** Method and path; a query may hold names of branches, which say nothing here. */
  const whatIs = (route: string, parameters: Parameters): string => {
    const { method, url } = octokit.request.endpoint(route, parameters);
    return `${method} ${new URL(url).pathname}`;
  };

  const learn = (failure: Failure | null, headers: Readonly<Record<string, unknown>>): void => {
    const date = Date.parse(text(headers["date"]) ?? "");
    if (!Number.isNaN(date)) skew = date - Date.now();
    if (failure !== null && isLimited(failure))
      pausedUntil = Math.max(pausedUntil, performance.now() + pauseMs(failure));
  };

  const checkPause = (what: string): void => {
    const left = pausedUntil - performance.now();
    if (left <= 0) return;
    const until = new Date(Date.now() + left).toISOString();
    throw new LabkeeperError("LK8006", `${what} was not sent: GitHub asked for silence until ${until}`);
  };

  const transmit = async (
    route: string,
    parameters: Parameters,
    { signal, once }: AskOptions,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer & { readonly etag: string | null }> => {
    const response = await octokit.request(route, {
      ...parameters,
      headers: { ...headers },
      request: { ...(signal === undefined ? {} : { signal }), ...(once === true ? { retries: 0 } : {}) },
    });
    const answered: Readonly<Record<string, unknown>> = response.headers;
    learn(null, answered);
    const { status } = response;
    if (status >= 300) throw refusal(whatIs(route, parameters), { status, headers: {}, said: "" });
    return { status, data: response.data, link: text(answered["link"]), etag: text(answered["etag"]) };
  };

  /** Reads only what has changed since it was read last. */
  const conditionally = async (
    route: string,
    parameters: Parameters,
    options: AskOptions,
    authorized: string | null,
  ): Promise<Answer> => {
    const headers = authorized === null ? {} : { authorization: authorized };
    if (!route.startsWith("GET ")) return await transmit(route, parameters, options, headers);
    const key = JSON.stringify([route, parameters]);
    const kept = etags.find(key);
    if (kept !== null) Object.assign(headers, { "if-none-match": kept.etag });
    try {
      const { etag, ...answer } = await transmit(route, parameters, options, headers);
      if (etag !== null) etags.keep(key, { ...answer, etag }, sizeOf(answer.data));
      return answer;
    } catch (error) {
      if (kept === null || failureOf(error).status !== NOT_MODIFIED) throw error;
      learn(null, failureOf(error).headers);
      return { status: 200, data: kept.data, link: kept.link };
    }
  };

  const send = async (route: string, parameters: Parameters, options: AskOptions, again: boolean): Promise<Answer> => {
    const what = whatIs(route, parameters);
    checkPause(what);
    const authorized = await authorization.header(options.signal);
    try {
      return await conditionally(route, parameters, options, authorized);
    } catch (error) {
      if (error instanceof LabkeeperError) throw error;
      const failure = failureOf(error);
      learn(failure, failure.headers);
      const { status } = failure;
      if (status === 401 && again && authorization.refused(authorized)) {
        return await send(route, parameters, options, false);
      }
      const understood = status !== null && options.accept?.includes(status) === true && !isLimited(failure);
      if (understood) return { status, data: undefined, link: null };
      throw refusal(what, failure);
    }
  };

  const exchange = async (route: string, given: Parameters, options: AskOptions): Promise<Answer> => {
    const parameters = located(route, given);
    const work = () => send(route, parameters, options, true);
    try {
      return await orStopped(route.startsWith("GET ") ? work() : inTurn(work), options.signal);
    } catch (error) {
      if (error instanceof LabkeeperError) throw error;
      throw refusal(whatIs(route, parameters), failureOf(error));
    }
  };

  const shaped = <T>(route: string, parameters: Parameters, shape: Shape<T>, { data, status }: Answer): T => {
    try {
      return shape(data, "");
    } catch (error) {
      const what = whatIs(route, located(route, parameters));
      const words = error instanceof Error ? error.message : "it cannot be read";
      throw new LabkeeperError("LK8001", `${what} answered ${status} with something else than expected: ${words}`);
    }
  };

  const attempt: GithubClient["attempt"] = async (route, parameters, shape, options) => {
    const answer = await exchange(route, parameters, options);
    const understood = options.accept?.includes(answer.status) === true;
    return { status: answer.status, value: understood ? null : shaped(route, parameters, shape, answer) };
  };

  return {
    attempt,
    ask: async (route, parameters, shape, options = {}) =>
      shaped(route, parameters, shape, await exchange(route, parameters, options)),
    pages: async function* (route, parameters, shape, signal) {
      for (let page: number | null = 1; page !== null; ) {
        const asked: Parameters = { ...parameters, per_page: PAGE_SIZE, page };
        const answer: Answer = await exchange(route, asked, { signal });
        const items = shaped(route, asked, shape, answer);
        const next = nextPage(answer.link);
        const more: boolean = next !== null && next > page;
        if (more && page >= MOST_PAGES) throw endless(whatIs(route, located(route, asked)));
        yield { items, more };
        page = more ? next : null;
      }
    },
    skewMs: () => skew,
  };
};
