/** Branches that move: what GitHub does to pull requests then, and whom it tells. */

import { htmlUrl, repositoryBody } from "./body-repository.ts";
import { changedFiles } from "./git-diff.ts";
import { commitsBetween, isAncestor, moveRef, readCommit, tip } from "./git-work.ts";
import { closePull, type MergeRequest, markMerged, mergeCommits, person, synchronizePull } from "./pulls.ts";
import type { Actor, Body, PullRequest, Repository, World } from "./world.ts";

const ZERO = "0".repeat(40);

/** Moves a branch (null: deletes it) and does what follows. */
export function moveBranch(
  world: World,
  repository: Repository,
  branch: string,
  to: string | null,
  by: Actor,
  /** The pull requests whose merge this is. */
  merging: readonly PullRequest[] = [],
): void {
  const ref = `refs/heads/${branch}`;
  const before = tip(repository.path, ref);
  moveRef(repository.path, ref, to);
  branchMoved(world, repository, branch, before, to, by, merging);
}

/** Does what follows when a branch has moved, by a push for instance. */
export function branchMoved(
  world: World,
  repository: Repository,
  branch: string,
  before: string | null,
  after: string | null,
  by: Actor,
  merging: readonly PullRequest[] = [],
): void {
  if (before === after) return;
  if (repository === world.repository) emitPush(world, branch, before, after, by);
  for (const pull of world.pulls.values()) {
    if (pull.state === "closed" || merging.includes(pull)) continue;
    if (pull.head.repository === repository && pull.head.ref === branch) {
      if (after === null) closePull(world, pull, by);
      else synchronizePull(world, pull, after, by);
    } else if (repository === world.repository && pull.base.ref === branch) {
      baseMoved(world, pull, before, after, by);
    }
  }
}

/** A base branch that has the head's commits now: GitHub shows the pull request as merged. */
function baseMoved(world: World, pull: PullRequest, before: string | null, after: string | null, by: Actor): void {
  if (after === null) {
    closePull(world, pull, by);
    return;
  }
  const { path } = world.repository;
  if (before === null || !isAncestor(path, pull.head.sha, after)) return;
  const landed = commitsBetween(path, before, after);
  const own = new Set(commitsBetween(path, before, pull.head.sha));
  const merge = landed.find((commit) => readCommit(path, commit).parents.slice(1).includes(pull.head.sha));
  const commits = landed.filter((commit) => own.has(commit));
  markMerged(world, pull, by, before, merge === undefined ? commits : [...commits, merge]);
}

/** Merges a pull request and moves its base branch; answers the commit that the branch has then. */
export function mergePull(world: World, pull: PullRequest, by: Actor, wanted: MergeRequest): string {
  return mergeTogether(world, [pull], by, wanted);
}

/** Merges pull requests with one base one after the other and moves the branch once, as a merge queue does. */
export function mergeTogether(world: World, pulls: readonly PullRequest[], by: Actor, wanted: MergeRequest): string {
  const { repository } = world;
  const [first] = pulls;
  if (first === undefined) throw new Error("There is nothing to merge");
  const { ref } = first.base;
  let base = tip(repository.path, `refs/heads/${ref}`) ?? "";
  const merged: { readonly pull: PullRequest; readonly base: string; readonly landed: readonly string[] }[] = [];
  for (const pull of pulls) {
    const landed = mergeCommits(world, pull, by, wanted, base);
    merged.push({ pull, base, landed });
    base = landed.at(-1) ?? base;
  }
  moveBranch(world, repository, ref, base, by, pulls);
  for (const one of merged) markMerged(world, one.pull, by, one.base, one.landed);
  return base;
}

function emitPush(world: World, branch: string, before: string | null, after: string | null, by: Actor): void {
  world.emit("push", null, () => pushBody(world, branch, before, after, by), by);
}

function pushBody(world: World, branch: string, before: string | null, after: string | null, by: Actor): Body {
  const { path, defaultBranch, createdAt } = world.repository;
  const forced = before !== null && after !== null && !isAncestor(path, before, after);
  const from = before === null || forced ? tip(path, `refs/heads/${defaultBranch}`) : before;
  const commits = after === null || from === null ? [] : commitsBetween(path, from, after).slice(-20);
  const bodies = commits.map((commit) => commitBody(world, commit));
  const { name, email } = person(world, by.login);
  const repository = repositoryBody(world);
  // The push event has the older form of a repository: times in seconds, some names of its own.
  const older = {
    created_at: Math.floor(createdAt / 1000),
    pushed_at: Math.floor(world.clock.now() / 1000),
    owner: { ...(repository["owner"] as Body), name: world.repository.owner, email: null },
    master_branch: defaultBranch,
    stargazers: 0,
    organization: world.repository.owner,
  };
  return {
    ref: `refs/heads/${branch}`,
    before: before ?? ZERO,
    after: after ?? ZERO,
    created: before === null,
    deleted: after === null,
    forced,
    base_ref: null,
    compare: `${htmlUrl(world)}/compare/${(before ?? ZERO).slice(0, 12)}...${(after ?? ZERO).slice(0, 12)}`,
    commits: bodies,
    head_commit: after === null ? null : (bodies.at(-1) ?? commitBody(world, after)),
    repository: { ...repository, ...older },
    pusher: { name, email },
  };
}

function commitBody(world: World, commit: string): Body {
  const { path } = world.repository;
  const { tree, author, committer, message, parents } = readCommit(path, commit);
  const files = parents[0] === undefined ? [] : changedFiles(path, parents[0], commit);
  const of = (...statuses: readonly string[]): string[] =>
    files.filter(({ status }) => statuses.includes(status)).map((file) => file.path);
  return {
    id: commit,
    tree_id: tree,
    distinct: true,
    message: message.trimEnd(),
    timestamp: new Date(seconds(author) * 1000).toISOString().replace(".000Z", "Z"),
    url: `${htmlUrl(world)}/commit/${commit}`,
    author: named(author),
    committer: named(committer),
    added: of("added", "renamed"),
    removed: of("removed"),
    modified: of("modified", "changed"),
  };
}

function seconds(text: string): number {
  return Number(/> (\d+) /.exec(text)?.[1] ?? 0);
}

function named(text: string): Body {
  const [, name = "", email = ""] = /^(.*) <(.*)>/.exec(text) ?? [];
  return { name, email, date: new Date(seconds(text) * 1000).toISOString().replace(".000Z", "Z"), username: name };
}
