/** Nobody releases a hold on a change of their own. Who may approve at all is asked elsewhere: here it is whose change it is. */

import { isSameAccount } from "./core/permissions.ts";
import type { Account, CommentCommandStore, PullRequestHost } from "./github-ports.ts";

export interface ApprovalDeps {
  readonly host: Pick<PullRequestHost, "authorship">;
  readonly store: Pick<CommentCommandStore, "holdOrigin">;
}

/**
 * Why somebody may not release a hold, in a sentence; null: nothing of it is theirs. Commits of the pull request are read
 * at this moment: whoever pushed one to somebody else's branch has a hand in it. Whom they do not name nobody can be told
 * apart from, so then it is refused to all. Rejects when the host does not say.
 */
export async function whyTheirOwn(
  { host, store }: ApprovalDeps,
  hold: string,
  by: Account,
  signal?: AbortSignal,
): Promise<string | null> {
  const origin = await store.holdOrigin(hold);
  if (origin === null) return null;
  const { author, smuggled, pullRequest } = origin;
  if (author !== null && isSameAccount(author, by)) return "It holds your own change: somebody else has to approve it.";
  if (smuggled) {
    return `Somebody added it to pull request ${pullRequest}, which labkeeper had opened for another lab, so its author is not known. Bring the file back and ask for it in a pull request of its own.`;
  }
  if (pullRequest === null) return null;
  const { accounts, incomplete } = await host.authorship(pullRequest, signal);
  if (accounts.some((account) => isSameAccount(account, by))) {
    return `You had a hand in pull request ${pullRequest}, whose change it holds: somebody else has to approve it.`;
  }
  if (incomplete === null) return null;
  return `Whose change it holds is not known, for ${incomplete} (pull request ${pullRequest}). Only \`labkeeper approve ${hold}\` on the command line releases it.`;
}
