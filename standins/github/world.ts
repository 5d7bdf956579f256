/** What the stand-in for GitHub remembers beside the repositories. */

import type { Clock } from "./clock.ts";
import type { People } from "./people.ts";

export type Body = Readonly<Record<string, unknown>>;

export interface Repository {
  readonly id: number;
  /** The login of the user or organization. */
  readonly owner: string;
  readonly name: string;
  /** The bare repository's folder. */
  readonly path: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly fork: boolean;
  readonly createdAt: number;
  /** A fork that its owner removed; what was copied from it stays. */
  deleted: boolean;
}

/** Who does something: a user, or the App (whose login ends in `[bot]`). */
export interface Actor {
  readonly login: string;
  readonly app: boolean;
}

export type MergeMethod = "merge" | "squash" | "rebase";

export interface PullRequest {
  readonly id: number;
  readonly number: number;
  title: string;
  body: string | null;
  readonly author: Actor;
  readonly head: { readonly repository: Repository; readonly ref: string; sha: string };
  base: { ref: string; sha: string };
  state: "open" | "closed";
  locked: boolean;
  draft: boolean;
  readonly createdAt: number;
  updatedAt: number;
  closedAt: number | null;
  merged: {
    readonly at: number;
    readonly by: Actor;
    /** What `merge_commit_sha` says. */
    readonly commit: string;
    /** Every commit that the base branch got by it. */
    readonly landed: readonly string[];
    readonly commits: number;
  } | null;
}

export type ReactionContent = "+1" | "-1" | "laugh" | "confused" | "heart" | "hooray" | "rocket" | "eyes";

export interface Reaction {
  readonly id: number;
  readonly by: Actor;
  readonly content: ReactionContent;
  readonly at: number;
}

export interface Comment {
  readonly id: number;
  readonly number: number;
  readonly author: Actor;
  body: string;
  readonly createdAt: number;
  updatedAt: number;
  readonly reactions: Reaction[];
}

export interface CheckRun {
  readonly id: number;
  readonly headSha: string;
  name: string;
  status: string;
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  detailsUrl: string | null;
  externalId: string | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  /** What all requests so far sent: GitHub appends. */
  readonly annotations: Body[];
  readonly actions: Body[];
}

export interface CommitStatus {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly by: Actor;
  readonly at: number;
}

export interface App {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly installationId: number;
  /** Whether it is installed on the repository. */
  installed: boolean;
  /** What the installation grants; a test may take something away. */
  permissions: Readonly<Record<string, string>>;
  events: readonly string[];
  webhookUrl: string | null;
  readonly createdAt: number;
}

export interface World {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly repository: Repository;
  /** By owner. */
  readonly forks: Map<string, Repository>;
  readonly people: People;
  readonly app: App;
  readonly pulls: Map<number, PullRequest>;
  readonly comments: Map<number, Comment>;
  readonly checks: Map<number, CheckRun>;
  readonly statuses: CommitStatus[];
  /** An id that nothing has yet. */
  nextId(): number;
  /** Delivers a webhook, whose body is made only when somebody listens; `action` is null for events without one. */
  emit: (event: string, action: string | null, body: () => Body, sender: Actor) => void;
}

/** `slug[bot]`, as GitHub names the user behind an App. */
export function botOf(app: App): Actor {
  return { login: `${app.slug}[bot]`, app: true };
}

export function userActor(login: string): Actor {
  return { login, app: false };
}
