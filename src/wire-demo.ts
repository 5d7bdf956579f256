/** What only the demo does outside. */

import type { GitHubFacade } from "../standins/github/start.ts";
import type { HistoryWriter } from "./git/history-writer.ts";

export type { HistoryWriter };
/** Not GitHub: what stands in for it on this machine. */
export type StandInGithub = GitHubFacade;

/** Writing a catalog's history, asking a lab's database, removing the embedded one. */
export const demoEdges = async () => {
  const [{ startRepository }, { askPostgres }, { removePostgres }] = await Promise.all([
    import("./git/history-writer.ts"),
    import("./local/local-postgres/ask.ts"),
    import("./local/postgres/ensure.ts"),
  ]);
  return { startRepository, askPostgres, removePostgres };
};

/**
 * Starts what stands in for GitHub, with the repository `owner`/`name` in `folder` and `files` on its `main`. Null where
 * it cannot serve a repository: without the git program, or without its `http-backend`.
 */
export const startStandInGithub = async (options: {
  readonly folder: string;
  readonly owner: string;
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}): Promise<StandInGithub | null> => {
  const { hasHttpBackend } = await import("../standins/git/http-backend.ts");
  if (!hasHttpBackend()) return null;
  const { startGitHub } = await import("../standins/github/start.ts");
  return await startGitHub(options);
};
