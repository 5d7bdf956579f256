/** How the stories around pull requests go together, for `serve` and for one-shot commands. */

import { answerComments, type CommentDeps } from "./comment-commands.ts";
import type { PullRequest } from "./core/pull-request.ts";
import type { OwnRequests } from "./github-ports.ts";
import { asLeader } from "./leadership.ts";
import type { Clock, LeaseStore } from "./ports.ts";
import { learnOfMerges, mergesMeanwhile, type ReviewDeps, reviewPullRequests } from "./pull-requests.ts";
import { type ReportDeps, type Reported, report } from "./report.ts";

export interface Conversation {
  /** Before a cycle: what was merged a moment ago may destroy what its plan showed. Never rejects; bounded in time. */
  learnOfMerges(signal?: AbortSignal): Promise<void>;
  /** The same for a dry run: asks, and records nothing. Answers what it would have learnt. */
  mergesMeanwhile(signal?: AbortSignal): Promise<readonly PullRequest[]>;
  /**
   * Plans what is open, carries out commands, keeps labkeeper's own pull requests. One that fails keeps no other from
   * its turn. Answers what failed. @throws LK3005 when another process does it
   */
  round(signal?: AbortSignal): Promise<readonly unknown[]>;
  /** Tells what is due. @throws LK3005 when another process does it */
  report(signal?: AbortSignal): Promise<Reported>;
}

export interface ConversationDeps {
  readonly review: ReviewDeps;
  readonly comments: CommentDeps;
  readonly requests: OwnRequests;
  readonly reports: ReportDeps;
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly holder: string;
}

export const conversation = (deps: ConversationDeps): Conversation => ({
  learnOfMerges: (signal) => learnOfMerges(deps.review, signal),
  mergesMeanwhile: (signal) => mergesMeanwhile(deps.review, signal),
  round: (signal) =>
    asLeader({ ...deps, resource: "pull-requests" }, async () => {
      const failures: unknown[] = [];
      const turns: readonly (() => Promise<unknown>)[] = [
        () => reviewPullRequests(deps.review, signal),
        () => answerComments(deps.comments, signal),
        () => deps.requests.keepExpiryRequests(signal),
      ];
      for (const turn of turns) {
        signal?.throwIfAborted();
        await turn().catch((error: unknown) => failures.push(error));
      }
      return failures;
    }),
  report: (signal) => asLeader({ ...deps, resource: "reports" }, () => report(deps.reports, signal)),
});
