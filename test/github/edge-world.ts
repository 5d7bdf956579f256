/** The edge, speaking to the stand-in for GitHub. */

import { credentials } from "../../src/core/credentials.ts";
import { type Github, openGithub } from "../../src/github/host.ts";
import type { GithubSettings } from "../../src/github/settings.ts";
import type { GitHubOptions } from "../../standins/github/new-world.ts";
import { startCheckedGitHub } from "../../standins/github/openapi/start-checked.ts";
import type { GitHubFacade } from "../../standins/github/start.ts";

export interface EdgeWorld extends AsyncDisposable {
  readonly github: GitHubFacade;
  readonly edge: Github;
  readonly host: Github["host"];
  readonly settings: GithubSettings;
  /** Another process's edge, with nothing in its memory. */
  open(settings?: Partial<GithubSettings>): Github;
}

/** As the App unless settings say otherwise; without the pauses between writes that GitHub asks for. */
export async function edgeWorld(
  options: GitHubOptions = {},
  settings: Partial<GithubSettings> = {},
): Promise<EdgeWorld> {
  const github = await startCheckedGitHub(options);
  const own: GithubSettings = {
    apiUrl: github.apiUrl,
    webUrl: github.url,
    repository: { owner: github.owner, name: github.name },
    credentials: {
      kind: "app",
      appId: String(github.app.id),
      installationId: null,
      secrets: credentials({ privateKey: github.app.privateKey }),
    },
    version: "0.0.0-test",
    paced: false,
    retryMs: 1,
    ...settings,
  };
  const open = (more: Partial<GithubSettings> = {}): Github => openGithub({ ...own, ...more });
  const edge = open();
  return { github, edge, host: edge.host, settings: own, open, [Symbol.asyncDispose]: () => github.stop() };
}

/** The settings of somebody's token. */
export const asToken = (token: string): Pick<GithubSettings, "credentials"> => ({
  credentials: { kind: "token", secrets: credentials({ token }) },
});

/** What a request was refused with: its code and its words. */
export const refusalOf = async (work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> =>
  work.then(
    () => ({ code: "accepted", message: "" }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  );
