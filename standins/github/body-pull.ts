/** Pull requests as GitHub's REST API writes them. */

import { accountBody, association, nodeId } from "./body-account.ts";
import { htmlUrl, repositoryBody, repositoryUrl } from "./body-repository.ts";
import { timestamp } from "./clock.ts";
import { changedFiles } from "./git-diff.ts";
import { commitsBetween, mergedTree, tip } from "./git-work.ts";
import type { Body, PullRequest, World } from "./world.ts";

/** `pull-request-simple`, what lists hold. */
export function pullBody(world: World, pull: PullRequest): Body {
  const { id, number, head, base, merged, author } = pull;
  const url = `${repositoryUrl(world)}/pulls/${number}`;
  const issue = `${repositoryUrl(world)}/issues/${number}`;
  const html = `${htmlUrl(world)}/pull/${number}`;
  const statuses = `${repositoryUrl(world)}/statuses/${head.sha}`;
  const at = (time: number | null): string | null => (time === null ? null : timestamp(time));
  return {
    id,
    node_id: nodeId("PR", id),
    number,
    state: pull.state,
    locked: pull.locked,
    active_lock_reason: null,
    title: pull.title,
    body: pull.body,
    user: accountBody(world, author.login),
    author_association: association(world, author),
    draft: pull.draft,
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repositoryUrl(world)}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    created_at: timestamp(pull.createdAt),
    updated_at: timestamp(pull.updatedAt),
    closed_at: at(pull.closedAt),
    merged_at: at(merged?.at ?? null),
    merge_commit_sha: merged?.commit ?? null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    auto_merge: null,
    head: {
      label: head.repository.deleted ? null : headLabel(pull),
      ref: head.ref,
      sha: head.sha,
      user: head.repository.deleted ? null : accountBody(world, head.repository.owner),
      repo: head.repository.deleted ? null : repositoryBody(world, head.repository),
    },
    base: {
      label: `${world.repository.owner}:${base.ref}`,
      ref: base.ref,
      sha: base.sha,
      user: accountBody(world, world.repository.owner),
      repo: repositoryBody(world),
    },
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${repositoryUrl(world)}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: statuses },
    },
  };
}

/** The base that a pull request is compared with: the branch as it is now, or as it was when it was merged. */
export function comparedBase(world: World, pull: PullRequest): string {
  if (pull.merged !== null) return pull.base.sha;
  return tip(world.repository.path, `refs/heads/${pull.base.ref}`) ?? pull.base.sha;
}

/** `pull-request`, what is answered for one. */
export function fullPullBody(world: World, pull: PullRequest): Body {
  const { path } = world.repository;
  const base = comparedBase(world, pull);
  const files = changedFiles(path, base, pull.head.sha);
  const open = pull.state === "open";
  const mergeable = open ? mergedTree(path, base, pull.head.sha) !== null : null;
  const comments = [...world.comments.values()].filter((comment) => comment.number === pull.number).length;
  return {
    ...pullBody(world, pull),
    merged: pull.merged !== null,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeable === null ? "unknown" : mergeable ? "clean" : "dirty",
    merged_by: pull.merged === null ? null : accountBody(world, pull.merged.by.login),
    comments,
    review_comments: 0,
    maintainer_can_modify: pull.head.repository.fork,
    commits: pull.merged?.commits ?? commitsBetween(path, base, pull.head.sha).length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changed_files: files.length,
  };
}

/** `diff-entry`, one for each changed file. */
export function fileBodies(world: World, pull: PullRequest): readonly Body[] {
  return changedFileBodies(world, comparedBase(world, pull), pull.head.sha);
}

/** The same between two commits. */
export function changedFileBodies(world: World, before: string, after: string): readonly Body[] {
  return changedFiles(world.repository.path, before, after).map((file) => {
    const name = file.path.split("/").map(encodeURIComponent).join("/");
    return {
      sha: file.oid,
      filename: file.path,
      status: file.status,
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${htmlUrl(world)}/blob/${after}/${name}`,
      raw_url: `${htmlUrl(world)}/raw/${after}/${name}`,
      contents_url: `${repositoryUrl(world)}/contents/${name}?ref=${after}`,
      ...(file.patch === null ? {} : { patch: file.patch }),
      ...(file.previous === null ? {} : { previous_filename: file.previous }),
    };
  });
}

/** How a branch is named from another repository: "octocat:patch-1". */
export function headLabel(pull: PullRequest): string {
  return `${pull.head.repository.owner}:${pull.head.ref}`;
}
