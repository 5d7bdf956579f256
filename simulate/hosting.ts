/** The catalog at the stand-in for GitHub, with labkeeper speaking on its pull requests. */

import type { CatalogSource } from "../src/catalog-ports.ts";
import { type Conversation, conversation } from "../src/conversation.ts";
import { pace } from "../src/core/pace.ts";
import { readPolicy } from "../src/core/policy.ts";
import type { CatalogEntry } from "../src/core/types.ts";
import { openCatalog } from "../src/git/open-catalog.ts";
import type { Github } from "../src/github/host.ts";
import { ownRequests } from "../src/own-requests.ts";
import type { ArtifactStore, Clock } from "../src/ports.ts";
import type { Store } from "../src/store/open.ts";
import type { BareRepository, Files } from "../standins/git/repository.ts";
import type { Fault, FaultHandle } from "../standins/github/faults.ts";
import { asToken, edgeWorld } from "../test/github/edge-world.ts";
import { type Deliveries, deliveries } from "./deliveries.ts";
import type { FaultKind } from "./faults.ts";

export interface Hosting {
  readonly repository: BareRepository;
  readonly catalog: CatalogSource;
  readonly place: { readonly url: string; readonly token: string };
  readonly conversation: Conversation;
  /** Through a pull request, reviewed or not, or by a push: each in turn. */
  commit(files: Files): string;
  /** A comment on a pull request by somebody who may command. */
  command(text: string): void;
  readonly deliveries: Deliveries;
  /** Requests that match meet it, so many times, and are counted then. */
  fault(name: "git" | "github", kind: string, times: number): void;
  clearFaults(): void;
  /** What requests and deliveries met since this was asked last. */
  metFaults(): readonly (readonly [FaultKind, number])[];
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
  /** What takes deliveries, as another process of labkeeper's. */
  readonly receiver: Store;
  onWrong(error: Error): void;
}

/** So small that the pull requests of a history have several. */
const PAGE_SIZE = 2;
/** How long an answer is waited for while some never come, milliseconds. */
const IMPATIENCE = 250;

/** What a fault can make a difference to. */
const matchingOf = (name: "git" | "github", kind: string): RegExp => {
  if (name === "git") return /\.git\//;
  if (kind === "lost") return /^(POST|PATCH) \//;
  return kind === "one-page" || kind === "stale" ? /^GET \// : /^(GET|POST|PATCH) \//;
};

interface Armed {
  readonly name: FaultKind;
  readonly handle: FaultHandle;
  readonly hangs: boolean;
  counted: number;
  readonly times: number;
}

/** Asks whichever is right at the moment. */
const either = <T extends object>(choose: () => T): T =>
  new Proxy(choose(), { get: (_, member) => Reflect.get(choose(), member) as unknown });

const TOKEN_OWNER = "labkeeper-bot";

const faultOf = (kind: string): Fault =>
  /^\d+$/.test(kind) ? { kind: "status", status: Number(kind) } : ({ kind } as Fault);

const plain = (files: Files): Record<string, string | null> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, typeof text === "string" ? text : null]));

export async function hosting(options: Options): Promise<Hosting> {
  const { store, shippedProfiles, said } = options;
  const edge = await edgeWorld({ files: options.files, pageSize: PAGE_SIZE });
  const { github } = edge;
  let armed: Armed[] = [];
  const isHanging = (): boolean => armed.some(({ hangs, handle, times }) => hangs && handle.hits < times);
  // A token has no times of its own: an App's would be over when hours pass at GitHub.
  const patient = edge.open(asToken(github.token));
  const hasty = edge.open({ ...asToken(github.token), timeoutMs: IMPATIENCE });
  const host: Github["host"] = either(() => (isHanging() ? hasty : patient).host);
  github.setPermission("octocat", "admin");
  const place = { url: github.cloneUrl, token: github.token };
  const mirror = { ...place, stateDir: options.folder, token: async () => place.token };
  const [patientCatalog, hastyCatalog] = [openCatalog(mirror), openCatalog({ ...mirror, idleMs: IMPATIENCE })];
  const catalog = either(() => (isHanging() ? hastyCatalog : patientCatalog));
  const arriving = await deliveries(github, options.receiver, options.onWrong);
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
    place,
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
    deliveries: arriving,
    fault: (name, kind, times) => {
      const handle = github.faults.add(matchingOf(name, kind), faultOf(kind), times);
      armed.push({ name: `${name} ${kind}` as FaultKind, handle, hangs: kind === "hang", counted: 0, times });
    },
    clearFaults: () => github.faults.clear(),
    metFaults: () => {
      const met = armed.map((each): readonly [FaultKind, number] => {
        const more = each.handle.hits - each.counted;
        each.counted = each.handle.hits;
        return [each.name, more];
      });
      armed = armed.filter(({ handle, times }) => handle.hits < times);
      return [...met, ...arriving.met()];
    },
    hoursPass: (hours) => github.clock.advance(hours * 3_600_000),
    everyComment: () => numbers().flatMap(mine),
    toldTwice: () =>
      numbers().filter((number) => mine(number).filter((body) => body.includes("labkeeper:pull-request")).length > 1),
    stop: async () => {
      github.faults.clear();
      await arriving.close();
      await github.settled();
      await github.stop();
    },
  };
}
