import type { PullRequest } from "../core/pull-request.ts";
import type { PullRequestHost } from "../github-ports.ts";
import type { GithubClient } from "./client.ts";
import { fields, instant, list, nullable, objectId, type Shape, text, whole } from "./shape.ts";

const REPOSITORY = nullable(fields({ id: whole }));

const FIELDS = fields({
  number: whole,
  title: text,
  user: nullable(fields({ login: text })),
  html_url: text,
  state: text,
  head: fields({ sha: objectId, ref: text, repo: REPOSITORY }),
  base: fields({ sha: objectId, ref: text, repo: REPOSITORY }),
  merge_commit_sha: nullable(objectId),
  merged_at: nullable(instant),
  closed_at: nullable(instant),
  updated_at: instant,
});

/** Who wrote something whose account is gone; GitHub shows it as this. */
export const GHOST = "ghost";

export const pullRequest: Shape<PullRequest> = (value, at) => {
  const { head, base, ...given } = FIELDS(value, at);
  const merged = given.merged_at !== null;
  return {
    number: given.number,
    title: given.title,
    author: given.user?.login ?? GHOST,
    url: given.html_url,
    state: merged ? "merged" : given.state === "open" ? "open" : "closed",
    // The fork's repository may be deleted.
    head: { commit: head.sha, ref: head.ref, fork: head.repo === null || head.repo.id !== base.repo?.id },
    base: { ref: base.ref, commit: base.sha },
    // Before the merge it is a commit that GitHub made to try the merge.
    mergeCommit: merged ? given.merge_commit_sha : null,
    updatedAt: given.updated_at,
    endedAt: given.merged_at ?? given.closed_at,
  };
};

const ONE = "GET /repos/{owner}/{repo}/pulls/{pull_number}";
const LIST = "GET /repos/{owner}/{repo}/pulls";

export const githubPullRequests = (
  client: GithubClient,
  owner: string,
): Omit<PullRequestHost, "self" | "authorship"> => ({
  openPullRequests: async (base, signal) => {
    // Oldest first: what is opened meanwhile comes at the end and shifts no page.
    const query = { state: "open", base, sort: "created", direction: "asc" };
    const found = new Map<number, PullRequest>();
    for await (const { items } of client.pages(LIST, query, list(pullRequest), signal)) {
      // A filter that GitHub does not understand is one that it leaves out.
      for (const each of items) if (each.base.ref === base) found.set(each.number, each);
    }
    return [...found.values()];
  },
  endedPullRequests: async (base, since, signal) => {
    const query = { state: "closed", base, sort: "updated", direction: "desc" };
    const found = new Map<number, PullRequest>();
    for await (const { items } of client.pages(LIST, query, list(pullRequest), signal)) {
      for (const each of items)
        if (each.base.ref === base && (since === null || each.updatedAt >= since)) found.set(each.number, each);
      const oldest = items.at(-1);
      if (since === null || oldest === undefined || oldest.updatedAt < since) break;
    }
    return [...found.values()];
  },
  pullRequest: (number, signal) => client.ask(ONE, { pull_number: number }, pullRequest, { signal }),
  pullRequestsFrom: async (branch, signal) => {
    const query = { state: "all", head: `${owner}:${branch}`, sort: "created", direction: "desc" };
    const found = new Map<number, PullRequest>();
    for await (const { items } of client.pages(LIST, query, list(pullRequest), signal)) {
      for (const each of items) if (each.head.ref === branch && !each.head.fork) found.set(each.number, each);
    }
    return [...found.values()];
  },
});
