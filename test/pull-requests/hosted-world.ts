/**
 * A labkeeper whose catalog is a repository of the stand-in for GitHub, reached as a real one is: git over HTTP and the
 * API. Reconciles hold what no merged plan showed, and ask for merges first, as `serve` does.
 */

import { join } from "node:path";
import type { Review } from "../../src/core/pull-request.ts";
import type { Change, GuardSettings, TeamPolicy } from "../../src/core/types.ts";
import { openCatalog } from "../../src/git/open-catalog.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { packageFile } from "../../src/package-root.ts";
import { learnOfMerges, type ReviewDeps, type ReviewRound, reviewPullRequests } from "../../src/pull-requests.ts";
import type { Reconciled } from "../../src/reconcile.ts";
import type { Files } from "../../standins/git/repository.ts";
import type { GitHubFacade } from "../../standins/github/start.ts";
import { asToken, type EdgeWorld, edgeWorld } from "../github/edge-world.ts";
import { catalogFile, type ProfileChange, profileFile } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

export interface HostedOptions {
  readonly teams?: readonly Partial<TeamPolicy>[];
  readonly guards?: Partial<GuardSettings>;
  readonly profiles?: Readonly<Record<string, ProfileChange>>;
  readonly files?: Files;
}

export interface HostedWorld extends AsyncDisposable {
  readonly w: World;
  readonly github: GitHubFacade;
  readonly edge: EdgeWorld;
  readonly deps: ReviewDeps;
  /** What was told of one pull request, or of none. */
  readonly told: { readonly error: unknown; readonly pullRequest: number | null }[];
  review(change?: Partial<ReviewDeps>): Promise<ReviewRound>;
  learn(): Promise<void>;
  /** Learns of merges, reconciles and works. */
  settle(): Promise<Reconciled>;
  /** Opens one and answers its number. */
  open(changes: Files, options?: { readonly fork?: string; readonly title?: string }): number;
  /** Pushes to the catalog's branch, with no pull request. */
  push(changes: Files): string;
  /** What is recorded as its newest review. Fails when there is none. */
  reviewed(number: number): Promise<Review>;
}

/** The stand-in makes plain files only; links and submodules are made by hand, in its repository. */
export function plain(files: Files): Record<string, string | Buffer | null> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => {
      if (content !== null && typeof content === "object" && !Buffer.isBuffer(content))
        throw new Error(`${path} is no file`);
      return [path, content];
    }),
  );
}

export async function hostedWorld(options: HostedOptions = {}): Promise<HostedWorld> {
  const w = await world();
  const profiles = Object.entries(options.profiles ?? {}).map(([name, spec]) => [
    `profiles/${name}.yaml`,
    profileFile(name, spec),
  ]);
  const files = plain({
    "catalog.yaml": catalogFile(options.teams, options.guards),
    "profiles/quick.yaml": profileFile("quick"),
    ...Object.fromEntries(profiles),
    ...options.files,
  });
  const edge = await edgeWorld({ files });
  const { github } = edge;
  const { host } = edge.open(asToken(github.token));
  const catalog = openCatalog({
    url: github.cloneUrl,
    stateDir: join(w.folder, "mirror"),
    token: async () => github.token,
  });
  w.catalog = catalog;
  w.requireReview = true;
  const told: HostedWorld["told"] = [];
  let hours = 0;
  const later = w.later;
  w.later = (more) => {
    hours += more;
    later(more);
  };
  const deps: ReviewDeps = {
    host,
    catalog,
    store: w.store,
    shippedProfiles: await profileFolder(packageFile("profiles")),
    clock: { now: () => new Date(Date.now() + hours * 3_600_000), monotonic: () => performance.now() },
    branch: "main",
    memory: new Map(),
    onError: (error, pullRequest) => told.push({ error, pullRequest }),
  };
  const self: HostedWorld = {
    w,
    github,
    edge,
    deps,
    told,
    review: (change) => reviewPullRequests({ ...deps, ...change }),
    learn: () => learnOfMerges(deps),
    async settle() {
      await self.learn();
      return await w.turn();
    },
    open: (changes, { fork, title } = {}) =>
      github.openPullRequest({
        changes: plain(changes),
        ...(fork === undefined ? {} : { fork, by: fork }),
        ...(title === undefined ? {} : { title }),
      }).number,
    push: (changes) => github.commit({ changes: plain(changes) }),
    async reviewed(number) {
      const review = await w.store.review(number);
      if (review === null) throw new Error(`#${number} was never reviewed`);
      return review;
    },
    async [Symbol.asyncDispose]() {
      await w[Symbol.asyncDispose]();
      await edge[Symbol.asyncDispose]();
    },
  };
  return self;
}

/** What a review or a plan would do, one line each: what is compared. */
export const shown = (review: Review): string[] =>
  review.changes.map(({ lab, action, held }) => `${action} ${lab}${held === null ? "" : ` (${held.guard})`}`).sort();

export const carriedOut = (changes: readonly Change[]): string[] =>
  changes
    .filter(({ action }) => action !== "keep")
    .map(({ lab, action, replace, held }) => {
      const what = replace ? "replace" : action;
      return `${what} ${lab}${held === null ? "" : ` (${held.guard})`}`;
    })
    .sort();
