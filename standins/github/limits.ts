/** GitHub's rate limits: so many requests an hour for each account, and a secondary one for what makes content. */

import type { Clock } from "./clock.ts";
import { Refusal } from "./refusal.ts";
import type { Body } from "./world.ts";

const HOUR = 3_600_000;

interface Window {
  used: number;
  /** Milliseconds. */
  resetAt: number;
}

export interface Limits {
  /** Requests an hour; a test may lower it. GitHub gives an installation or a user 5,000. */
  perHour: number;
  /** Requests a minute that make content (POST, PATCH, PUT, DELETE); GitHub's own figure is 80. Infinity: not held. */
  contentPerMinute: number;
  /** Requests that counted so far, of everybody. */
  readonly counted: number;
}

export interface Limiter extends Limits {
  /** Takes one request into account. Throws GitHub's 403 when there is none left, with its headers. */
  count(key: string, makesContent: boolean): void;
  /** Gives a request back: a conditional one that was answered 304 does not count. */
  giveBack(key: string): void;
  headers(key: string): Readonly<Record<string, string>>;
  /** `rate-limit-overview`. */
  overview(key: string): Body;
}

export function createLimiter(clock: Clock): Limiter {
  const windows = new Map<string, Window>();
  const content = new Map<string, number[]>();
  let counted = 0;
  const windowOf = (key: string): Window => {
    const found = windows.get(key);
    if (found !== undefined && found.resetAt > clock.now()) return found;
    const opened = { used: 0, resetAt: clock.now() + HOUR };
    windows.set(key, opened);
    return opened;
  };
  return {
    perHour: 5000,
    contentPerMinute: Number.POSITIVE_INFINITY,
    get counted() {
      return counted;
    },
    count(key, makesContent) {
      const window = windowOf(key);
      if (window.used >= this.perHour) {
        throw new Refusal(403, `API rate limit exceeded for ${key}.`);
      }
      window.used += 1;
      counted += 1;
      if (!makesContent) return;
      const recent = (content.get(key) ?? []).filter((at) => at > clock.now() - 60_000);
      content.set(key, recent);
      if (recent.length >= this.contentPerMinute) throw secondaryLimit();
      recent.push(clock.now());
    },
    giveBack(key) {
      windowOf(key).used -= 1;
      counted -= 1;
    },
    headers(key) {
      const { used, resetAt } = windowOf(key);
      return {
        "x-ratelimit-limit": String(this.perHour),
        "x-ratelimit-remaining": String(Math.max(0, this.perHour - used)),
        "x-ratelimit-used": String(used),
        "x-ratelimit-reset": String(Math.ceil(resetAt / 1000)),
        "x-ratelimit-resource": "core",
      };
    },
    overview(key) {
      const { used, resetAt } = windowOf(key);
      const reset = Math.ceil(resetAt / 1000);
      const rate = { limit: this.perHour, used, remaining: Math.max(0, this.perHour - used), reset };
      return { resources: { core: rate, search: { limit: 30, used: 0, remaining: 30, reset } }, rate };
    },
  };
}

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api; seconds to wait. */
export function secondaryLimit(retryAfter = 60): Refusal {
  const message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
  return new Refusal(403, message, {}, { "retry-after": String(retryAfter) });
}
