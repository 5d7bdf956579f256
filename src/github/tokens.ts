import type { Authorization, GithubClient } from "./client.ts";
import type { AppCredentials, TokenCredentials } from "./settings.ts";
import { fields, instant, text, whole } from "./shape.ts";

/** The token that requests carry and that git takes as a password. */
export interface Tokens extends Authorization {
  token(): Promise<string>;
}

/** A token somebody made; there is no other. */
export const fixedTokens = ({ secrets }: TokenCredentials): Tokens => ({
  token: async () => secrets.reveal("token"),
  header: async () => `token ${secrets.reveal("token")}`,
  refused: () => false,
});

/** An hour's token is renewed when this is left, so that git too can finish with it. */
const MARGIN_MS = 10 * 60_000;

interface Issued {
  readonly token: string;
  /** By this process's monotonic clock. */
  readonly renewAt: number;
}

const TOKEN = fields({ token: text, expires_at: instant });

/**
 * Tokens of the App's installation, for the one repository alone, kept in memory until shortly before they expire.
 * `app` signs as the App itself. How long a token lives is told by GitHub's clock: this host's may be wrong.
 */
export const installationTokens = (
  app: GithubClient,
  { installationId }: AppCredentials,
  repository: string,
): Tokens => {
  let found = installationId;
  let current: Issued | null = null;
  let pending: Promise<Issued> | null = null;

  const installation = async (): Promise<number> => {
    found ??= (await app.ask("GET /repos/{owner}/{repo}/installation", {}, fields({ id: whole }))).id;
    return found;
  };

  const issue = async (): Promise<Issued> => {
    const asked = { installation_id: await installation(), repositories: [repository] };
    const answer = await app.ask("POST /app/installations/{installation_id}/access_tokens", asked, TOKEN);
    const lifeMs = answer.expires_at.getTime() - (Date.now() + (app.skewMs() ?? 0));
    return { token: answer.token, renewAt: performance.now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 2) };
  };

  const token = async (): Promise<string> => {
    if (current !== null && performance.now() < current.renewAt) return current.token;
    // Whoever asks meanwhile waits for the same one.
    pending ??= issue().finally(() => {
      pending = null;
    });
    current = await pending;
    return current.token;
  };

  return {
    token,
    header: async () => `token ${await token()}`,
    refused: (header) => {
      if (current !== null && header === `token ${current.token}`) current = null;
      return true;
    },
  };
};
