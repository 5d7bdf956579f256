/** What goes wrong with requests, until it is told otherwise. */

export type Fault =
  /** Answers this status instead. */
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** 403 as GitHub answers who goes too fast; seconds to wait. */
  | { readonly kind: "secondary-limit"; readonly retryAfter: number }
  /** No requests left until the hour is over. */
  | { readonly kind: "primary-limit"; readonly status?: 403 | 429 }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** Takes the request and deals with it when the handle is released. */
  | { readonly kind: "hold" }
  /** Answers after this many milliseconds. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** Resets the connection, nothing done. */
  | { readonly kind: "reset" }
  /** Does what was asked, then resets the connection: the answer is lost. */
  | { readonly kind: "lost" }
  /** Answers the first page as if there were no other. */
  | { readonly kind: "one-page" }
  /** A replica that lags: the answer that the same request had before, when there was one. */
  | { readonly kind: "stale" }
  /** The right status without a body. */
  | { readonly kind: "empty" }
  /** Of git alone: the beginning of the right answer as if it were all. */
  | { readonly kind: "half" }
  /** 200 with a page of a proxy instead of an answer. */
  | { readonly kind: "html" };

export interface FaultHandle {
  /** How many requests met it so far. */
  readonly hits: number;
  /** Lets what is held go on; no request is held any more. */
  release(): void;
  remove(): void;
}

export interface MetFault {
  readonly fault: Fault;
  /** Settles when held requests go on. */
  readonly released: Promise<void>;
  /** It made no difference to this request: as if it had not been met. */
  spare(): void;
}

export interface Faults {
  /**
   * For requests whose "METHOD /path?query" (below the API's base; git's paths as they are) matches, so many times
   * (default: until removed).
   */
  add(matching: RegExp, fault: Fault, times?: number): FaultHandle;
  /** The first fault that a request meets, used up by one. */
  meet(request: string): MetFault | null;
  /** Removes all and releases what is held. */
  clear(): void;
}

interface Rule {
  readonly matching: RegExp;
  readonly fault: Fault;
  left: number;
  hits: number;
  readonly released: Promise<void>;
  readonly release: () => void;
}

export function createFaults(): Faults {
  const rules = new Set<Rule>();
  return {
    add(matching, fault, times = Number.POSITIVE_INFINITY) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      const rule: Rule = { matching, fault, left: times, hits: 0, released: promise, release: resolve };
      rules.add(rule);
      return {
        get hits() {
          return rule.hits;
        },
        release() {
          rules.delete(rule);
          rule.release();
        },
        remove() {
          rules.delete(rule);
        },
      };
    },
    meet(request) {
      for (const rule of rules) {
        if (rule.left === 0 || !rule.matching.test(request)) continue;
        rule.left -= 1;
        rule.hits += 1;
        const spare = (): void => {
          rule.left += 1;
          rule.hits -= 1;
        };
        return { fault: rule.fault, released: rule.released, spare };
      }
      return null;
    },
    clear() {
      for (const rule of rules) rule.release();
      rules.clear();
    },
  };
}
