/** The part of the wiring that is about GitHub. Octokit is loaded by the first request. */

import { readFile } from "node:fs/promises";
import type { Config } from "./config.ts";
import type { Github } from "./github/host.ts";
import type { Standing } from "./github/standing.ts";
import type { Delivery, WebhookAnswer, WebhookDeps } from "./github/webhook.ts";
import type { Host, WebhookStore } from "./github-ports.ts";
import { once } from "./once.ts";
import { packageFile } from "./package-root.ts";
import type { WebServer, WebServerOptions } from "./web/server.ts";

export type { Delivery, Standing, WebhookAnswer, WebServer };

export interface GithubEdges {
  /** Null: labkeeper tells nothing about pull requests. */
  host(): Promise<Host | null>;
  /** What git presents to GitHub as the password of `x-access-token`; null: nothing. Asked anew for each operation. */
  gitToken(): Promise<string | null>;
  /** What GitHub says of labkeeper's place there; null as `host`. */
  standing(signal?: AbortSignal): Promise<Standing | null>;
  /**
   * Takes deliveries into `store`, calls `schedule` for those that matter, and tells of its health; without a webhook
   * secret of its health alone. Null without an address to listen on. @throws LK7001 when it cannot be had
   */
  listen(
    deps: Pick<WebServerOptions, "healthy" | "onError"> & {
      readonly store: WebhookStore;
      readonly schedule: WebhookDeps["schedule"];
    },
  ): Promise<WebServer | null>;
}

const versionOf = async (): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(packageFile("package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "0";
};

/** Nothing is loaded or asked before it is needed. */
export const wireGithub = (config: Config): GithubEdges => {
  const { github, githubToken, listen } = config;
  const open = once(async (): Promise<Github | null> => {
    if (github === null) return null;
    const { openGithub } = await import("./github/host.ts");
    return openGithub({ ...github, version: await versionOf() });
  });
  return {
    host: async () => (await open())?.host ?? null,
    gitToken: async () => (github === null ? githubToken : ((await (await open())?.gitToken()) ?? null)),
    standing: async (signal) => (await (await open())?.standing(signal)) ?? null,
    listen: async ({ store, schedule, ...options }) => {
      if (listen === null) return null;
      const { startWebServer } = await import("./web/server.ts");
      const secret = github?.webhookSecret ?? null;
      if (github === null || secret === null) return await startWebServer({ listen, webhook: null, ...options });
      const { webhookHandler } = await import("./github/webhook.ts");
      const webhook = webhookHandler({ secret, repository: github.repository, store, schedule });
      return await startWebServer({ listen, webhook, ...options });
    },
  };
};
