import type { Host, HostIdentity } from "../github-ports.ts";
import { githubAuthorship } from "./authorship.ts";
import { githubChecks } from "./checks.ts";
import { type Authorization, createClient, type GithubClient } from "./client.ts";
import { githubComments } from "./comments.ts";
import { githubMembership } from "./membership.ts";
import { createOctokit } from "./octokit.ts";
import { githubPullRequests } from "./pull-requests.ts";
import { githubRequests } from "./requests.ts";
import type { GithubSettings } from "./settings.ts";
import { fields, text } from "./shape.ts";
import { githubStanding, type Standing } from "./standing.ts";
import { fixedTokens, installationTokens, type Tokens } from "./tokens.ts";

export interface Github {
  readonly host: Host;
  /** For git too: the password of the user `x-access-token`. Good for at least some minutes. */
  gitToken(): Promise<string>;
  /** What `doctor` wants to know. */
  standing(signal?: AbortSignal): Promise<Standing>;
}

/** A renamed App is noticed after this. */
const IDENTITY_MS = 10 * 60_000;

const asSelf = (client: GithubClient, app: GithubClient | null) => {
  let known: { readonly identity: HostIdentity; readonly until: number } | null = null;
  const ask = async (signal: AbortSignal | undefined): Promise<HostIdentity> => {
    if (app !== null) {
      const { slug } = await app.ask("GET /app", {}, fields({ slug: text }), { signal });
      return { login: `${slug}[bot]`, app: true };
    }
    const { login } = await client.ask("GET /user", {}, fields({ login: text }), { signal });
    return { login, app: false };
  };
  return async (signal?: AbortSignal): Promise<HostIdentity> => {
    if (known !== null && performance.now() < known.until) return known.identity;
    const identity = await ask(signal);
    known = { identity, until: performance.now() + IDENTITY_MS };
    return identity;
  };
};

const SELF_SIGNED: Authorization = { header: async () => null, refused: () => false };

/** `app` signs as the App itself: it tells who it is and gets the tokens that everything else is done with. */
const credentialsOf = (settings: GithubSettings): { readonly app: GithubClient | null; readonly tokens: Tokens } => {
  const { repository, credentials } = settings;
  if (credentials.kind === "token") return { app: null, tokens: fixedTokens(credentials) };
  const app = createClient(createOctokit(settings, credentials), repository, SELF_SIGNED);
  return { app, tokens: installationTokens(app, credentials, repository.name) };
};

/** Asks nothing before something is asked of it. */
export const openGithub = (settings: GithubSettings): Github => {
  const { repository } = settings;
  const { app, tokens } = credentialsOf(settings);
  const client = createClient(createOctokit(settings, null), repository, tokens);
  const self = asSelf(client, app);
  const pullRequests = githubPullRequests(client, repository.owner);
  return {
    host: {
      repositoryUrl: `${settings.webUrl}/${encodeURIComponent(repository.owner)}/${encodeURIComponent(repository.name)}`,
      self,
      ...pullRequests,
      authorship: githubAuthorship(client),
      ...githubComments(client, self),
      ...githubChecks(client, self),
      ...githubRequests(client, { self, ...pullRequests }),
      ...githubMembership(client),
    },
    gitToken: tokens.token,
    standing: githubStanding(client, app),
  };
};
