/** A GitHub with one repository, one App and nobody else. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BareRepository, createRepository } from "../git/repository.ts";
import type { Clock } from "./clock.ts";
import { type Changes, commitChanges, configure, moveRef } from "./git-work.ts";
import type { Description } from "./operations.ts";
import { createPeople } from "./people.ts";
import type { App, World } from "./world.ts";

export interface GitHubOptions {
  /** Default "octo-org", an organization. */
  readonly owner?: string;
  /** Default "labs". */
  readonly name?: string;
  /** Default true: who may not read it is told 404. */
  readonly private?: boolean;
  /** What the first commit on `main` has. */
  readonly files?: Changes;
  /** Milliseconds; default: the machine's clock. `clock.advance` runs ahead of it. */
  readonly now?: () => number;
  /** The most that a page holds, whatever is asked for; default 100. */
  readonly pageSize?: number;
  /** What the App's installation grants; default: what labkeeper asks for. */
  readonly permissions?: Readonly<Record<string, string>>;
  readonly events?: readonly string[];
  /** What requests, answers and webhooks are held against; default: nothing. */
  readonly description?: Description;
  /** An existing folder to keep the repositories in, which stays; default: one of its own, which goes. */
  readonly folder?: string;
}

const PERMISSIONS = {
  checks: "write",
  contents: "write",
  members: "read",
  metadata: "read",
  issues: "read",
  pull_requests: "write",
  statuses: "write",
};
const EVENTS = ["issue_comment", "pull_request", "push"];

/** Makes the repository in `folder`/OWNER/NAME.git, with its first commit on `main`. */
export function createWorld(
  folder: string,
  url: string,
  clock: Clock,
  { owner = "octo-org", name = "labs", files = { "README.md": "# Labs\n" }, ...options }: GitHubOptions,
): { readonly world: World; readonly bare: BareRepository } {
  const path = join(folder, owner, `${name}.git`);
  mkdirSync(join(folder, owner), { recursive: true });
  const bare = createRepository(path);
  configure(path);
  const people = createPeople();
  people.account(owner, "Organization");
  const at = clock.now();
  const author = { name: "octocat", email: "octocat@users.noreply.github.com" };
  moveRef(path, "refs/heads/main", commitChanges(path, { parent: null, changes: files, message: "Begin", author, at }));
  const app: App = {
    id: 4242,
    slug: "labkeeper",
    name: "labkeeper",
    installationId: 424_242,
    installed: true,
    permissions: options.permissions ?? PERMISSIONS,
    events: options.events ?? EVENTS,
    webhookUrl: null,
    createdAt: at,
  };
  let id = 1_000_000;
  const world: World = {
    url,
    apiUrl: `${url}/api/v3`,
    clock,
    repository: {
      id: 4711,
      owner,
      name,
      path,
      private: options.private ?? true,
      defaultBranch: "main",
      fork: false,
      createdAt: at,
      deleted: false,
    },
    forks: new Map(),
    people,
    app,
    pulls: new Map(),
    comments: new Map(),
    checks: new Map(),
    statuses: [],
    nextId: () => {
      id += 1;
      return id;
    },
    emit: () => undefined,
  };
  return { world, bare };
}
