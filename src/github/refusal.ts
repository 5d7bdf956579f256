/** GitHub's errors as labkeeper's. Statuses: docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */

import { redactedBeginning } from "../core/redact.ts";
import { type ErrorCode, LabkeeperError } from "../errors.ts";

export type Headers = Readonly<Record<string, string | number | undefined>>;

/** The few facts of a failed request that tell something. */
export interface Failure {
  /** Null: there was no answer. */
  readonly status: number | null;
  readonly headers: Headers;
  /** What GitHub says in words, or why there was no answer; one line, redacted. */
  readonly said: string;
}

const LONGEST_WORDS = 300;

/** The first line of outside words, without what could move a cursor or give something away. */
const oneLine = (words: string): string =>
  redactedBeginning(words, 4 * LONGEST_WORDS)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, LONGEST_WORDS);

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Octokit throws an error with the response when there was one; what `fetch` threw stands in its cause. */
export const failureOf = (error: unknown): Failure => {
  const { response, message, cause } = record(error);
  const { status, headers, data } = record(response);
  if (typeof status === "number") {
    // Of an error page only the field that GitHub documents: a proxy's page may repeat the request.
    return { status, headers: record(headers) as Headers, said: oneLine(textOf(record(data)["message"])) };
  }
  const inner = record(record(cause)["cause"]);
  const said = textOf(inner["code"]) || textOf(inner["message"]) || textOf(record(cause)["message"]) || textOf(message);
  return { status: null, headers: {}, said: oneLine(said) };
};

const SECONDARY = /secondary rate limit|abuse detection/i;

/** docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api, "Handle rate limit errors". */
export const isLimited = ({ status, headers, said }: Failure): boolean =>
  status === 429 ||
  (status === 403 &&
    (headers["retry-after"] !== undefined || String(headers["x-ratelimit-remaining"]) === "0" || SECONDARY.test(said)));

const LEAST_PAUSE_MS = 1000;
/** What GitHub asks for when a secondary limit names no time. */
const USUAL_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_660_000;

/** How long no request may be sent, milliseconds. Told by GitHub's clock, so a wrong one here does not matter. */
export const pauseMs = ({ headers }: Failure): number => {
  const seconds = Number(headers["retry-after"]);
  if (Number.isFinite(seconds)) return within(seconds * 1000);
  if (String(headers["x-ratelimit-remaining"]) !== "0") return USUAL_PAUSE_MS;
  const now = Date.parse(String(headers["date"])) || Date.now();
  // A second more: the time of reset is told without its fraction.
  return within(Number(headers["x-ratelimit-reset"]) * 1000 - now + 1000);
};

const within = (milliseconds: number): number =>
  Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, LEAST_PAUSE_MS), LONGEST_PAUSE_MS) : USUAL_PAUSE_MS;

const codeOf = (failure: Failure): ErrorCode => {
  const { status } = failure;
  if (status === null || status >= 500 || status === 408) return "LK8001";
  if (isLimited(failure)) return "LK8006";
  if (status === 401) return "LK8007";
  return status === 404 || status === 410 || status < 400 ? "LK8003" : "LK8002";
};

const remedyOf = ({ status, said }: Failure): string | null => {
  if (status !== null && status >= 300 && status < 400) {
    return "The repository was renamed or moved: set LABKEEPER_GITHUB_REPOSITORY to its name of now.";
  }
  return /\blocked\b/i.test(said) ? "Unlock the conversation, or let labkeeper have write access." : null;
};

/** What a failure means. `what` is method and path. Neither message nor cause holds a body, a header or a token. */
export const refusal = (what: string, failure: Failure): LabkeeperError => {
  const { status, said } = failure;
  const answered = status === null ? "got no answer" : `answered ${status}`;
  const remedy = remedyOf(failure);
  return new LabkeeperError(codeOf(failure), `${what} ${answered}${said === "" ? "" : `: ${said}`}`, {
    ...(remedy === null ? {} : { remedy }),
  });
};
