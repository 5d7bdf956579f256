/** The catalog at the stand-in for GitHub, with labkeeper speaking on its pull requests. */

import type { CatalogSource } from "../src/catalog-ports.ts";
import { type Conversation, conversation } from "../src/conversation.ts";
import { pace } from "../src/core/pace.ts";
import { readPolicy } from "../src/core/policy.ts";
import type { CatalogEntry } from "../src/core/types.ts";
import { openCatalog } from "../src/git/open-catalog.ts";
import { ownRequests } from "../src/own-requests.ts";
import type { ArtifactStore, Clock } from "../src/ports.ts";
import type { Store } from "../src/store/open.ts";
import type { BareRepository, Files } from "../standins/git/repository.ts";
import type { Fault } from "../standins/github/faults.ts";
import { asToken, edgeWorld } from "../test/github/edge-world.ts";

export interface Hosting {
  readonly repository: BareRepository;
  readonly catalog: CatalogSource;
  readonly conversation: Conversation;
  /** Through a pull request, reviewed or not, or by a push: each in turn. */
  commit(files: Files): string;
  /** A comment on a pull request by somebody who may command. */
  command(text: string): void;
  /** Requests that match meet it, so many times. */
  fault(kind: string, matching: RegExp, times: number): void;
  clearFaults(): void;
  hoursPass(hours: number): void;
  everyComment(): readonly string[];
  /** Numbers of pull requests with more than one comment of labkeeper's. */
  toldTwice(): readonly number[];
  stop(): Promise<void>;
}

interface Options {
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  readonly store: Store;
  readonly artifacts: ArtifactStore;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly clock: Clock;
  readonly said: unknown[];
}

const TOKEN_OWNER = "labkeeper-bot";

const faultOf = (kind: string): Fault =>
  /^\d+$/.test(kind) ? { kind: "status", status: Number(kind) } : ({ kind } as Fault);

const plain = (files: Files): Record<string, string | null> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, typeof text === "string" ? text : null]));

export async function hosting(options: Options): Promise<Hosting> {
  const { store, shippedProfiles, said } = options;
  const edge = await edgeWorld({ files: options.files });
  const { github } = edge;
  // A token has no times of its own: an App's would be over when hours pass at GitHub.
  const { host } = edge.open(asToken(github.token));
  github.setPermission("octocat", "admin");
  const catalog = openCatalog({ url: github.cloneUrl, stateDir: options.folder, token: async () => github.token });
  let ahead = 0;
  // Edits of one comment are at least five seconds apart; no simulation waits for that.
  const clock = { ...options.clock, now: () => new Date(options.clock.now().getTime() + ahead) };
  const requests = ownRequests({ host, catalog, store, branch: "main" });
  const policy = async () => readPolicy(await catalog.policyFiles(await catalog.head()), shippedProfiles).policy;
  const onError = (error: unknown): void => {
    said.push(error);
  };
  const talking = conversation({
    review: { host, catalog, store, shippedProfiles, clock, branch: "main", memory: new Map(), onError },
    comments: { host, store, requests, clock, branch: "main", policy },
    requests,
    reports: {
      host,
      store,
      artifacts: options.artifacts,
      clock,
      branch: "main",
      pace: pace({ perMinute: 10_000, perHour: 10_000 }, () => performance.now()),
      credentialsUrl: () => null,
    },
    store,
    clock,
    holder: "conversation",
  });
  let commits = 0;
  let last: number | null = null;
  const mine = (number: number): string[] =>
    github.comments(number).flatMap(({ author, body }) => (author.login === TOKEN_OWNER ? [body] : []));
  const numbers = (): number[] => github.pullRequests().map(({ number }) => number);
  return {
    repository: github.repository,
    catalog,
    conversation: {
      ...talking,
      report: (signal) => {
        ahead += 6_000;
        return talking.report(signal);
      },
    },
    commit(files) {
      commits += 1;
      const changes = plain(files);
      if (commits % 2 === 0) return github.commit({ changes });
      last = github.openPullRequest({ changes }).number;
      return github.merge(last);
    },
    command(text) {
      if (last !== null) github.comment(last, text, "octocat");
    },
    fault: (kind, matching, times) => {
      github.faults.add(matching, faultOf(kind), times);
    },
    clearFaults: () => github.faults.clear(),
    hoursPass: (hours) => github.clock.advance(hours * 3_600_000),
    everyComment: () => numbers().flatMap(mine),
    toldTwice: () =>
      numbers().filter((number) => mine(number).filter((body) => body.includes("labkeeper:pull-request")).length > 1),
    stop: async () => {
      github.faults.clear();
      await github.settled();
      await github.stop();
    },
  };
}
