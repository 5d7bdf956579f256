/** What people do on GitHub, for tests to do: by name, without a request. */

import { git } from "../git/repository.ts";
import { commentOf, createComment, deleteComment, editComment } from "./comments.ts";
import { deleteFork, forkOf } from "./forks.ts";
import {
  type Changes,
  commitChanges,
  mergedTree,
  type Person,
  readCommit,
  signature,
  tip,
  writeCommit,
} from "./git-work.ts";
import { closePull, type EditedPull, editPull, openPull, person, pullOf, reopenPull } from "./pulls.ts";
import { mergePull, mergeTogether, moveBranch } from "./pushes.ts";
import {
  type CheckRun,
  type Comment,
  type CommitStatus,
  type MergeMethod,
  type PullRequest,
  type Repository,
  userActor,
  type World,
} from "./world.ts";

export interface CommitOptions {
  readonly changes: Changes;
  /** Default: the default branch. Made from the default branch when it is not there. */
  readonly branch?: string;
  readonly message?: string;
  /** Login; default "octocat". */
  readonly by?: string;
  /** Whoever the commit says; default: `by`, who pushes it. */
  readonly author?: Person;
  readonly committer?: Person;
  /** Commits to this user's fork instead, made when it is not there. */
  readonly fork?: string;
  /** The commit to build on instead of the branch's: a force-push. */
  readonly onto?: string;
}

export interface OpenOptions {
  /** Default: "patch-N" with the number it gets. */
  readonly branch?: string;
  /** Committed to the branch first. */
  readonly changes?: Changes;
  readonly title?: string;
  readonly body?: string;
  /** Login; default "octocat". */
  readonly by?: string;
  /** Whose fork the branch is in; default: none, it is in the repository itself. */
  readonly fork?: string;
  readonly base?: string;
  readonly draft?: boolean;
}

/** Logins are taken as they come: nobody is asked for permission to open, push, merge or close. */
export interface Hands {
  /** Commits and pushes; answers the commit. */
  commit(options: CommitOptions): string;
  openPullRequest(options: OpenOptions): Readonly<PullRequest>;
  /** Pushes one more commit to a pull request's branch; answers it. */
  push(number: number, changes: Changes, by?: string): string;
  /** Merges its base into a pull request's branch, as the button does; answers the commit. */
  updateBranch(number: number, by?: string): string;
  /** Replaces a pull request's commits by one on top of its base; answers it. */
  forcePush(number: number, changes: Changes, by?: string): string;
  /** Answers the commit that the base branch has then. */
  merge(number: number, options?: { readonly method?: MergeMethod; readonly by?: string }): string;
  /** Merges several with one move of the base branch, as a merge queue does; answers the commit it has then. */
  mergeQueue(numbers: readonly number[], options?: { readonly method?: MergeMethod; readonly by?: string }): string;
  close(number: number, by?: string): void;
  reopen(number: number, by?: string): void;
  edit(number: number, edited: EditedPull, by?: string): void;
  setLocked(number: number, locked: boolean): void;
  deleteBranch(branch: string, by?: string): void;
  /** Removes a user's fork; its open pull requests are closed. */
  deleteFork(owner: string): void;
  comment(number: number, body: string, by?: string): Readonly<Comment>;
  /** By its author unless somebody is named. */
  editComment(id: number, body: string, by?: string): void;
  deleteComment(id: number, by?: string): void;
  pullRequest(number: number): Readonly<PullRequest>;
  pullRequests(): readonly Readonly<PullRequest>[];
  /** Oldest first. */
  comments(number: number): readonly Readonly<Comment>[];
  /** Oldest first. */
  checkRuns(sha?: string): readonly Readonly<CheckRun>[];
  /** Oldest first. */
  statuses(sha?: string): readonly CommitStatus[];
  /** A file's text on a branch; null when there is none. */
  file(path: string, branch?: string): string | null;
  /** A branch's commit; null when there is none. */
  branch(name: string): string | null;
  /** A commit's parents, tree and message. */
  readCommit(sha: string): ReturnType<typeof readCommit>;
}

export function createHands(world: World, folder: string): Hands {
  const { repository } = world;
  const somebody = "octocat";
  const actor = (login = somebody) => {
    world.people.account(login);
    return userActor(login);
  };
  const place = (fork: string | undefined): Repository =>
    fork === undefined ? repository : forkOf(world, folder, fork);
  const commitTo = (
    at: Repository,
    branch: string,
    parent: string | null,
    options: Omit<CommitOptions, "branch" | "fork" | "onto">,
  ): string => {
    const { changes, message = "Change", by = somebody } = options;
    const { author = person(world, by), committer = author } = options;
    const now = world.clock.now();
    const commit = commitChanges(at.path, { parent, changes, message, author, committer, at: now });
    moveBranch(world, at, branch, commit, actor(by));
    return commit;
  };
  const hands: Hands = {
    commit({ branch = repository.defaultBranch, fork, onto, ...rest }) {
      const at = place(fork);
      const parent =
        onto ?? tip(at.path, `refs/heads/${branch}`) ?? tip(at.path, `refs/heads/${repository.defaultBranch}`);
      return commitTo(at, branch, parent, rest);
    },
    openPullRequest(options) {
      const { by = somebody, fork, base = repository.defaultBranch } = options;
      const branch = options.branch ?? `patch-${world.pulls.size + 1}`;
      const title = options.title ?? `Change ${branch}`;
      const { changes } = options;
      if (changes !== undefined) {
        const onto = tip(place(fork).path, `refs/heads/${branch}`) ?? tip(repository.path, `refs/heads/${base}`);
        const from = onto === null ? {} : { onto: presentIn(repository, place(fork), onto) };
        hands.commit({ changes, branch, by, message: title, ...(fork === undefined ? {} : { fork }), ...from });
      }
      const head = { repository: place(fork), ref: branch };
      return openPull(world, actor(by), {
        title,
        body: options.body ?? null,
        head,
        base,
        draft: options.draft ?? false,
      });
    },
    push(number, changes, by) {
      const { head } = pullOf(world, number);
      return commitTo(head.repository, head.ref, head.sha, { changes, ...(by === undefined ? {} : { by }) });
    },
    updateBranch(number, by = somebody) {
      const { head, base } = pullOf(world, number);
      const { path } = head.repository;
      const onto = presentIn(repository, head.repository, tip(repository.path, `refs/heads/${base.ref}`) ?? "");
      const tree = mergedTree(path, onto, head.sha);
      if (tree === null) throw new Error(`#${number} conflicts with its base`);
      const at = world.clock.now();
      const author = signature(person(world, by), at);
      const message = `Merge branch '${base.ref}' into ${head.ref}\n`;
      const merge = writeCommit(path, { tree, parents: [head.sha, onto], author, message, at });
      moveBranch(world, head.repository, head.ref, merge, actor(by));
      return merge;
    },
    forcePush(number, changes, by) {
      const { head, base } = pullOf(world, number);
      const onto = tip(repository.path, `refs/heads/${base.ref}`);
      const parent = onto === null ? null : presentIn(repository, head.repository, onto);
      return commitTo(head.repository, head.ref, parent, { changes, ...(by === undefined ? {} : { by }) });
    },
    merge(number, { method = "merge", by } = {}) {
      return mergePull(world, pullOf(world, number), actor(by), { method, sha: null, title: null, message: null });
    },
    mergeQueue(numbers, { method = "squash", by = "github-merge-queue[bot]" } = {}) {
      const pulls = numbers.map((number) => pullOf(world, number));
      return mergeTogether(world, pulls, actor(by), { method, sha: null, title: null, message: null });
    },
    close: (number, by) => closePull(world, pullOf(world, number), actor(by)),
    reopen: (number, by) => reopenPull(world, pullOf(world, number), actor(by)),
    edit: (number, edited, by) => editPull(world, pullOf(world, number), edited, actor(by)),
    setLocked(number, locked) {
      pullOf(world, number).locked = locked;
    },
    deleteBranch: (branch, by) => moveBranch(world, repository, branch, null, actor(by)),
    deleteFork: (owner) => deleteFork(world, owner),
    comment: (number, body, by) => createComment(world, number, body, actor(by)),
    editComment(id, body, by) {
      const comment = commentOf(world, id);
      editComment(world, comment, body, by === undefined ? comment.author : actor(by));
    },
    deleteComment(id, by) {
      const comment = commentOf(world, id);
      deleteComment(world, comment, by === undefined ? comment.author : actor(by));
    },
    pullRequest: (number) => pullOf(world, number),
    pullRequests: () => [...world.pulls.values()],
    comments: (number) => [...world.comments.values()].filter((comment) => comment.number === number),
    checkRuns: (sha) => [...world.checks.values()].filter((check) => sha === undefined || check.headSha === sha),
    statuses: (sha) => world.statuses.filter((status) => sha === undefined || status.sha === sha),
    file(path, branch = repository.defaultBranch) {
      const commit = tip(repository.path, `refs/heads/${branch}`);
      if (commit === null || git(repository.path, ["ls-tree", commit, "--", path]) === "") return null;
      return git(repository.path, ["show", `${commit}:${path}`]);
    },
    branch: (name) => tip(repository.path, `refs/heads/${name}`),
    readCommit: (sha) => readCommit(repository.path, sha),
  };
  return hands;
}

/** A commit of the repository, brought into a fork when it is to be built upon there. */
function presentIn(repository: Repository, fork: Repository, commit: string): string {
  if (fork !== repository) git(fork.path, ["fetch", "--quiet", repository.path, commit]);
  return commit;
}
