/** What happens to pull requests, whoever asks for it: a request or a person in a test. */

import { accountBody } from "./body-account.ts";
import { fullPullBody } from "./body-pull.ts";
import {
  commitOf,
  commitsBetween,
  copyCommit,
  GITHUB,
  isAncestor,
  mergedTree,
  moveRef,
  type Person,
  rebased,
  signature,
  tip,
  writeCommit,
} from "./git-work.ts";
import type { Account } from "./people.ts";
import { invalid, notFound, Refusal } from "./refusal.ts";
import type { Actor, Body, MergeMethod, PullRequest, Repository, World } from "./world.ts";

export function person(world: World, login: string): Person {
  const { id, login: name } = world.people.account(login);
  return { name, email: `${id}+${name}@users.noreply.github.com` };
}

export function pullOf(world: World, number: number): PullRequest {
  const pull = world.pulls.get(number);
  if (pull === undefined) throw notFound();
  return pull;
}

export interface OpenedPull {
  readonly title: string;
  readonly body: string | null;
  readonly head: { readonly repository: Repository; readonly ref: string };
  readonly base: string;
  readonly draft: boolean;
}

/** Opens a pull request and keeps its head as `refs/pull/N/head`. Refuses what GitHub refuses with 422. */
export function openPull(world: World, by: Actor, wanted: OpenedPull): PullRequest {
  const { path } = world.repository;
  const base = tip(path, `refs/heads/${wanted.base}`);
  const sha = tip(wanted.head.repository.path, `refs/heads/${wanted.head.ref}`);
  if (base === null) throw invalid("PullRequest", "base", "invalid");
  if (sha === null) throw invalid("PullRequest", "head", "invalid");
  const label = `${wanted.head.repository.owner}:${wanted.head.ref}`;
  const same = [...world.pulls.values()].some(
    ({ state, head, base: { ref } }) =>
      state === "open" &&
      head.repository === wanted.head.repository &&
      head.ref === wanted.head.ref &&
      ref === wanted.base,
  );
  if (same) throw invalid("PullRequest", "", "custom", `A pull request already exists for ${label}.`);
  const number = world.pulls.size + 1;
  copyCommit(wanted.head.repository.path, path, sha, `refs/pull/${number}/head`);
  if (commitsBetween(path, base, sha).length === 0) {
    moveRef(path, `refs/pull/${number}/head`, null);
    throw invalid("PullRequest", "", "custom", `No commits between ${wanted.base} and ${wanted.head.ref}`);
  }
  const now = world.clock.now();
  const pull: PullRequest = {
    id: world.nextId(),
    number,
    title: wanted.title,
    body: wanted.body,
    author: by,
    head: { ...wanted.head, sha },
    base: { ref: wanted.base, sha: base },
    state: "open",
    locked: false,
    draft: wanted.draft,
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    merged: null,
  };
  world.pulls.set(number, pull);
  emitPull(world, "opened", pull, by);
  return pull;
}

/** The head branch has moved. */
export function synchronizePull(world: World, pull: PullRequest, sha: string, by: Actor): void {
  const before = pull.head.sha;
  copyCommit(pull.head.repository.path, world.repository.path, sha, `refs/pull/${pull.number}/head`);
  pull.head.sha = sha;
  pull.base.sha = tip(world.repository.path, `refs/heads/${pull.base.ref}`) ?? pull.base.sha;
  pull.updatedAt = world.clock.now();
  emitPull(world, "synchronize", pull, by, { before, after: sha });
}

export function closePull(world: World, pull: PullRequest, by: Actor): void {
  if (pull.state === "closed") return;
  const now = world.clock.now();
  Object.assign(pull, { state: "closed", closedAt: now, updatedAt: now });
  emitPull(world, "closed", pull, by);
}

/** Refuses when it is merged or its branch is gone. */
export function reopenPull(world: World, pull: PullRequest, by: Actor): void {
  if (pull.state === "open") return;
  if (pull.merged !== null) throw invalid("PullRequest", "state", "invalid", "The pull request cannot be reopened.");
  const sha = tip(pull.head.repository.path, `refs/heads/${pull.head.ref}`);
  if (sha === null) throw invalid("PullRequest", "state", "invalid", `The ${pull.head.ref} branch has been deleted.`);
  Object.assign(pull, { state: "open", closedAt: null, updatedAt: world.clock.now() });
  if (sha !== pull.head.sha) synchronizePull(world, pull, sha, by);
  emitPull(world, "reopened", pull, by);
}

export interface EditedPull {
  readonly title?: string;
  readonly body?: string | null;
  readonly base?: string;
}

export function editPull(world: World, pull: PullRequest, edited: EditedPull, by: Actor): void {
  const changes: Record<string, Body> = {};
  if (edited.title !== undefined && edited.title !== pull.title) changes["title"] = { from: pull.title };
  if (edited.body !== undefined && edited.body !== pull.body) changes["body"] = { from: pull.body ?? "" };
  if (edited.base !== undefined && edited.base !== pull.base.ref) {
    const sha = tip(world.repository.path, `refs/heads/${edited.base}`);
    if (sha === null) throw invalid("PullRequest", "base", "invalid");
    changes["base"] = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
    pull.base = { ref: edited.base, sha };
  }
  if (Object.keys(changes).length === 0) return;
  pull.title = edited.title ?? pull.title;
  if (edited.body !== undefined) pull.body = edited.body;
  pull.updatedAt = world.clock.now();
  emitPull(world, "edited", pull, by, { changes });
}

export interface MergeRequest {
  readonly method: MergeMethod;
  /** The head that was reviewed; null: whatever it is. */
  readonly sha: string | null;
  readonly title: string | null;
  readonly message: string | null;
}

/** Merges into `base` with real commits and answers them; no branch is moved yet. Refuses conflicts with 405. */
export function mergeCommits(
  world: World,
  pull: PullRequest,
  by: Actor,
  wanted: MergeRequest,
  base: string | null,
): readonly string[] {
  const { path } = world.repository;
  if (pull.state === "closed" || pull.draft) throw new Refusal(405, "Pull Request is not mergeable");
  if (wanted.sha !== null && wanted.sha !== pull.head.sha) {
    throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
  }
  const tree = base === null ? null : mergedTree(path, base, pull.head.sha);
  if (base === null || tree === null) throw new Refusal(405, "Pull Request is not mergeable");
  const at = world.clock.now();
  if (wanted.method === "rebase") {
    const made = rebased(path, base, commitsBetween(path, base, pull.head.sha), at);
    if (made === null) throw new Refusal(405, "This branch can't be rebased");
    return made;
  }
  if (wanted.method === "squash") {
    const author = signature(person(world, pull.author.login), at);
    const message = `${wanted.title ?? `${pull.title} (#${pull.number})`}\n\n${wanted.message ?? pull.body ?? ""}`;
    return [writeCommit(path, { tree, parents: [base], author, message: `${message.trimEnd()}\n`, at })];
  }
  const title =
    wanted.title ?? `Merge pull request #${pull.number} from ${pull.head.repository.owner}/${pull.head.ref}`;
  const message = `${title}\n\n${wanted.message ?? pull.title}\n`;
  const author = signature(person(world, by.login), at);
  const commits = commitsBetween(path, base, pull.head.sha);
  return [...commits, writeCommit(path, { tree, parents: [base, pull.head.sha], author, message, at })];
}

/** Records that a pull request's commits are in its base branch now. */
export function markMerged(world: World, pull: PullRequest, by: Actor, base: string, landed: readonly string[]): void {
  const now = world.clock.now();
  const commits = commitsBetween(world.repository.path, base, pull.head.sha).length;
  pull.base.sha = base;
  pull.merged = { at: now, by, commit: landed.at(-1) ?? pull.head.sha, landed, commits };
  Object.assign(pull, { state: "closed", closedAt: now, updatedAt: now });
  emitPull(world, "closed", pull, by);
}

/** The pull requests that brought a commit into the default branch; the open ones that hold it when it is not there. */
export function pullsOfCommit(world: World, name: string): readonly PullRequest[] | null {
  const { path, defaultBranch } = world.repository;
  const commit = commitOf(path, name);
  if (commit === null) return null;
  const pulls = [...world.pulls.values()];
  const main = tip(path, `refs/heads/${defaultBranch}`);
  if (main !== null && isAncestor(path, commit, main)) {
    return pulls.filter((pull) => pull.merged?.landed.includes(commit) ?? false);
  }
  return pulls.filter(
    (pull) => pull.state === "open" && commitsBetween(path, pull.base.sha, pull.head.sha).includes(commit),
  );
}

function emitPull(world: World, action: string, pull: PullRequest, sender: Actor, extra: Body = {}): void {
  const body = (): Body => ({ number: pull.number, pull_request: fullPullBody(world, pull), ...extra });
  world.emit("pull_request", action, body, sender);
}

export interface CommitPerson {
  readonly text: Body;
  /** Null where no account has the address. */
  readonly account: Body | null;
}

/** A commit's author or committer as the commits API names one. */
export function commitPerson(world: World, line: string): CommitPerson {
  const [, name = "", email = "", seconds = "0"] = /^(.*) <(.*)> (\d+) /.exec(line) ?? [];
  const account = accountOf(world, email);
  const date = `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
  return { text: { name, email, date }, account: account === null ? null : accountBody(world, account.login) };
}

/** By addresses that GitHub gives out itself: those with an id stay somebody's through renames. No others are known here. */
function accountOf({ people }: World, email: string): Account | null {
  if (email === GITHUB.email) return people.account("web-flow");
  const [, id, login = ""] = /^(?:(\d+)\+)?([^@+]+)@users\.noreply\.github\.com$/.exec(email) ?? [];
  return id === undefined ? people.known(login) : people.knownById(Number(id));
}
