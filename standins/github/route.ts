/** What a handler of one operation gets and gives. */

import type { Actor, Body, World } from "./world.ts";

/** By which credentials a request comes. */
export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "user"; readonly login: string; readonly scopes: readonly string[] }
  | { readonly kind: "installation"; readonly permissions: Readonly<Record<string, string>> }
  /** The App itself, by a JWT. */
  | { readonly kind: "app" };

export interface Call {
  readonly world: World;
  readonly caller: Caller;
  /** Who a write is done by; throws a refusal for callers that cannot write. */
  readonly actor: Actor;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly accept: string;
}

export interface Answer {
  readonly status: number;
  /** undefined: none. */
  readonly body?: unknown;
  /** Sent as it is instead of a body in JSON, and then not described. */
  readonly raw?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  /**
   * What an installation needs, one of these, such as "checks:write"; none: nothing beyond access. null: the route is
   * not for installations.
   */
  readonly installation: readonly string[] | null;
  /** What a user needs on the repository; "self": only to be signed in; null: not for users. */
  readonly user: "self" | "read" | "write" | null;
  /** Whether the App's own JWT is taken, and nothing else. */
  readonly app?: true;
  /** For lists: what of the answer is cut into pages. `run` answers everything. */
  readonly list?: "body" | "check_runs" | "statuses";
  run(call: Call): Answer;
}

export type Routes = Readonly<Record<string, Route>>;

export function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
