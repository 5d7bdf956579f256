/** What GitHub says about who labkeeper is there, and what that may do. */

import type { GithubClient } from "./client.ts";
import { fields, flag, instant, list, nullable, text, whole, words } from "./shape.ts";

export interface Standing {
  /** Of the App: what it asks for. Null for a token, of which GitHub tells no permissions. */
  readonly app: {
    readonly slug: string;
    /** What whoever installed it granted. */
    readonly permissions: Readonly<Record<string, string>>;
    readonly events: readonly string[];
    readonly suspendedAt: Date | null;
    readonly installationId: number;
  } | null;
  readonly repository: {
    readonly fullName: string;
    readonly archived: boolean;
    /** Of a token's user; an App's permissions say more. */
    readonly mayPush: boolean;
  };
  readonly rate: { readonly limit: number; readonly remaining: number; readonly resetAt: Date };
  /** The server's clock minus this host's, milliseconds. */
  readonly skewMs: number;
}

const INSTALLATION = fields({
  id: whole,
  app_slug: text,
  permissions: words,
  events: list(text),
  suspended_at: nullable(instant),
});

const RATE = fields({ rate: fields({ limit: whole, remaining: whole, reset: whole }) });

const REPOSITORY = fields({
  full_name: text,
  archived: flag,
  permissions: nullable(fields({ push: flag })),
});

export const githubStanding =
  (client: GithubClient, app: GithubClient | null) =>
  async (signal?: AbortSignal): Promise<Standing> => {
    const installation =
      app === null ? null : await app.ask("GET /repos/{owner}/{repo}/installation", {}, INSTALLATION, { signal });
    const repository = await client.ask("GET /repos/{owner}/{repo}", {}, REPOSITORY, { signal });
    const { rate } = await client.ask("GET /rate_limit", {}, RATE, { signal });
    return {
      app:
        installation === null
          ? null
          : {
              slug: installation.app_slug,
              permissions: installation.permissions,
              events: installation.events,
              suspendedAt: installation.suspended_at,
              installationId: installation.id,
            },
      repository: {
        fullName: repository.full_name,
        archived: repository.archived,
        mayPush: repository.permissions?.push === true,
      },
      rate: { limit: rate.limit, remaining: rate.remaining, resetAt: new Date(rate.reset * 1000) },
      skewMs: client.skewMs() ?? 0,
    };
  };
