import { createAppAuth } from "@octokit/auth-app";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import { boundedFetch } from "./exchange.ts";
import type { AppCredentials, GithubSettings } from "./settings.ts";

const TIMEOUT_MS = 30_000;
const RETRY_MS = 1000;
const RETRIES = 2;
/** Asking again changes nothing about these; limits are waited out by the client, not here. */
const FINAL = [400, 401, 403, 404, 409, 410, 422, 429, 451];
/** docs.github.com/en/rest/about-the-rest-api/api-versions */
const API_VERSION = "2022-11-28";

const silent = (): void => undefined;
/** Octokit would write to the console, which carries labkeeper's own log. */
const QUIET = { debug: silent, info: silent, warn: silent, error: silent };

const Client = Octokit.plugin(throttling, retry);

/** What every request of the edge goes through. With `app` it signs as the App itself, else it signs nothing. */
export const createOctokit = (settings: GithubSettings, app: AppCredentials | null): Octokit => {
  const octokit = new Client({
    baseUrl: settings.apiUrl,
    userAgent: `labkeeper/${settings.version}`,
    log: QUIET,
    request: { fetch: boundedFetch(settings.timeoutMs ?? TIMEOUT_MS), log: QUIET },
    retry: { retries: RETRIES, retryAfterBaseValue: settings.retryMs ?? RETRY_MS, doNotRetry: FINAL },
    throttle: {
      enabled: settings.paced,
      // Queues of its own for each host and repository.
      id: `${settings.apiUrl} ${settings.repository.owner}/${settings.repository.name}`,
      // Saying nothing means: do not wait here. The client fails at once, and asks nothing until the limit is over.
      onRateLimit: silent,
      onSecondaryRateLimit: silent,
    },
    ...(app === null
      ? {}
      : {
          authStrategy: createAppAuth,
          auth: { appId: app.appId, privateKey: app.secrets.reveal("privateKey"), log: QUIET },
        }),
  });
  octokit.hook.before("request", (options) => {
    options.headers["x-github-api-version"] = API_VERSION;
  });
  return octokit;
};
