/** What happens to comments, whoever asks for it. */

import { accountBody, association, nodeId, performedVia } from "./body-account.ts";
import { htmlUrl, repositoryUrl } from "./body-repository.ts";
import { timestamp } from "./clock.ts";
import { pullOf } from "./pulls.ts";
import { invalid, notFound, Refusal } from "./refusal.ts";
import type { Actor, Body, Comment, PullRequest, Reaction, ReactionContent, World } from "./world.ts";

/** GitHub's limit, in characters. */
const LONGEST = 65_536;

export function commentOf(world: World, id: number): Comment {
  const comment = world.comments.get(id);
  if (comment === undefined) throw notFound();
  return comment;
}

export function createComment(world: World, number: number, body: string, by: Actor): Comment {
  const pull = pullOf(world, number);
  refuseLocked(world, pull, by, "create");
  refuseLong(body);
  const now = world.clock.now();
  const comment = { id: world.nextId(), number, author: by, body, createdAt: now, updatedAt: now, reactions: [] };
  world.comments.set(comment.id, comment);
  pull.updatedAt = now;
  emitComment(world, "created", comment, by);
  return comment;
}

/** By its author, or by somebody who may write to the repository. */
export function editComment(world: World, comment: Comment, body: string, by: Actor): void {
  refuseOthers(world, comment, by);
  refuseLocked(world, pullOf(world, comment.number), by, "update");
  refuseLong(body);
  const from = comment.body;
  comment.body = body;
  comment.updatedAt = world.clock.now();
  if (from !== body) emitComment(world, "edited", comment, by, { changes: { body: { from } } });
}

export function deleteComment(world: World, comment: Comment, by: Actor): void {
  refuseOthers(world, comment, by);
  world.comments.delete(comment.id);
  emitComment(world, "deleted", comment, by);
}

/** Answers the reaction and whether it is new: the same one twice by the same user is one. */
export function react(
  world: World,
  comment: Comment,
  content: ReactionContent,
  by: Actor,
): { readonly reaction: Reaction; readonly created: boolean } {
  refuseLocked(world, pullOf(world, comment.number), by, "react to");
  const found = comment.reactions.find((one) => one.by.login === by.login && one.content === content);
  if (found !== undefined) return { reaction: found, created: false };
  const reaction = { id: world.nextId(), by, content, at: world.clock.now() };
  comment.reactions.push(reaction);
  return { reaction, created: true };
}

/**
 * Who may write to the repository goes on in a locked conversation; an App never does
 * (https://github.com/probot/stale/issues/25 and https://github.com/renovatebot/renovate/issues/6215 show the 403).
 */
function refuseLocked(world: World, pull: PullRequest, by: Actor, what: string): void {
  if (!pull.locked || (!by.app && world.people.may(by.login, "write"))) return;
  throw new Refusal(403, `Unable to ${what} comment because issue is locked.`);
}

function refuseOthers(world: World, comment: Comment, by: Actor): void {
  if (by.app || comment.author.login === by.login || world.people.may(by.login, "write")) return;
  throw new Refusal(403, "Must have admin rights to Repository.");
}

function refuseLong(body: string): void {
  if (body === "") throw invalid("IssueComment", "body", "missing_field");
  if ([...body].length <= LONGEST) return;
  throw invalid("IssueComment", "data", "unprocessable", `Body is too long (maximum is ${LONGEST} characters)`);
}

/** `issue-comment`. */
export function commentBody(world: World, comment: Comment): Body {
  const { id, number, author, body, createdAt, updatedAt, reactions } = comment;
  const url = `${repositoryUrl(world)}/issues/comments/${id}`;
  const counted = Object.fromEntries(
    ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"].map((content) => [
      content,
      reactions.filter((one) => one.content === content).length,
    ]),
  );
  return {
    id,
    node_id: nodeId("IC", id),
    url,
    html_url: `${htmlUrl(world)}/pull/${number}#issuecomment-${id}`,
    issue_url: `${repositoryUrl(world)}/issues/${number}`,
    body,
    user: accountBody(world, author.login),
    created_at: timestamp(createdAt),
    updated_at: timestamp(updatedAt),
    author_association: association(world, author),
    performed_via_github_app: performedVia(world, author),
    reactions: { url: `${url}/reactions`, total_count: reactions.length, ...counted },
  };
}

/** `reaction`. */
export function reactionBody(world: World, { id, by, content, at }: Reaction): Body {
  return { id, node_id: nodeId("REA", id), user: accountBody(world, by.login), content, created_at: timestamp(at) };
}

function emitComment(world: World, action: string, comment: Comment, sender: Actor, extra: Body = {}): void {
  const body = (): Body => {
    const issue = issueBody(world, pullOf(world, comment.number));
    return { issue, comment: commentBody(world, comment), ...extra };
  };
  world.emit("issue_comment", action, body, sender);
}

/** A pull request seen as an issue, which is how comments know it. */
function issueBody(world: World, pull: PullRequest): Body {
  const url = `${repositoryUrl(world)}/issues/${pull.number}`;
  const html = `${htmlUrl(world)}/pull/${pull.number}`;
  const closed = pull.closedAt === null ? null : timestamp(pull.closedAt);
  const counts = { "+1": 0, "-1": 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };
  return {
    url,
    repository_url: repositoryUrl(world),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: html,
    id: pull.id,
    node_id: nodeId("PR", pull.id),
    number: pull.number,
    title: pull.title,
    user: accountBody(world, pull.author.login),
    labels: [],
    state: pull.state,
    locked: pull.locked,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: [...world.comments.values()].filter(({ number }) => number === pull.number).length,
    created_at: timestamp(pull.createdAt),
    updated_at: timestamp(pull.updatedAt),
    closed_at: closed,
    author_association: association(world, pull.author),
    active_lock_reason: null,
    draft: pull.draft,
    pull_request: {
      url: `${repositoryUrl(world)}/pulls/${pull.number}`,
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      merged_at: pull.merged === null ? null : timestamp(pull.merged.at),
    },
    body: pull.body,
    reactions: { url: `${url}/reactions`, total_count: 0, ...counts },
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: null,
  };
}
