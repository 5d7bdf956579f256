/** A labkeeper that speaks on pull requests as the App, one round at a time, with the stand-in for GitHub. */

import type { CommentDeps } from "../../src/comment-commands.ts";
import { type Conversation, conversation } from "../../src/conversation.ts";
import { pace } from "../../src/core/pace.ts";
import { readPolicy } from "../../src/core/policy.ts";
import type { Roles } from "../../src/core/types.ts";
import { openCatalog } from "../../src/git/open-catalog.ts";
import { ownRequests } from "../../src/own-requests.ts";
import { type HostedOptions, type HostedWorld, hostedWorld } from "../pull-requests/hosted-world.ts";

export interface TalkingOptions extends HostedOptions {
  readonly roles?: Roles;
}

export interface TalkingWorld extends HostedWorld {
  readonly conversation: Conversation;
  /** What a round, or a report, failed with. */
  readonly failures: unknown[];
  /** A whole turn of `serve`: merges, a cycle, its jobs, a round, and every report that is due then. */
  turn(): Promise<void>;
  /** A round without a cycle: reviews, commands, own pull requests; then reports. */
  talk(): Promise<void>;
  /** Only what is due. */
  tell(): Promise<void>;
  /** The text of labkeeper's comment on a pull request. Fails unless there is exactly one. */
  comment(number: number): string;
  /** Bodies of all of labkeeper's comments there. */
  comments(number: number): string[];
}

const PATIENCE = 300_000;

export async function talkingWorld(options: TalkingOptions = {}): Promise<TalkingWorld> {
  const h = await hostedWorld(options);
  const { w, github, edge } = h;
  const failures: unknown[] = [];
  // Edits of one comment are at least five seconds apart; no test waits for that.
  let ahead = 0;
  const clock = { now: () => new Date(h.deps.clock.now().getTime() + ahead), monotonic: () => performance.now() };
  const { host } = edge;
  const catalog = openCatalog({ url: github.cloneUrl, stateDir: `${w.folder}/own`, token: edge.edge.gitToken });
  const requests = ownRequests({ host, catalog, store: w.store, branch: "main" });
  const comments: CommentDeps = {
    host,
    store: w.store,
    requests,
    clock,
    branch: "main",
    policy: async () => readPolicy(await catalog.policyFiles(await catalog.head()), h.deps.shippedProfiles).policy,
  };
  const conversing = conversation({
    review: { ...h.deps, host, clock },
    comments,
    requests,
    reports: {
      host,
      store: w.store,
      artifacts: w.artifacts,
      clock,
      branch: "main",
      pace: pace({ perMinute: 10_000, perHour: 10_000 }, () => performance.now()),
      credentialsUrl: () => null,
    },
    store: w.store,
    clock,
    holder: "test",
  });
  const login = github.app.login;
  // Time passes at GitHub as well.
  const later = w.later;
  w.later = (hours) => {
    github.clock.advance(hours * 3_600_000);
    later(hours);
  };
  const self: TalkingWorld = {
    ...h,
    conversation: conversing,
    failures,
    async turn() {
      await conversing.learnOfMerges();
      await w.turn();
      await self.talk();
    },
    async talk() {
      failures.push(...(await conversing.round()));
      await self.tell();
    },
    async tell() {
      const deadline = performance.now() + PATIENCE;
      for (;;) {
        ahead += 6_000;
        const { sent, failed } = await conversing.report();
        failures.push(...failed.map(({ error }) => error));
        if ((sent === 0 && failed.length === 0) || failed.length > 0) return;
        if (performance.now() > deadline) throw new Error("reports never come to rest");
      }
    },
    comments: (number) =>
      github
        .comments(number)
        .filter(({ author }) => author.login === login)
        .map(({ body }) => body),
    comment(number) {
      const [only, ...more] = self.comments(number).filter((body) => body.includes("labkeeper:pull-request"));
      if (only === undefined || more.length > 0)
        throw new Error(`#${number} has ${more.length} comments too many, or none`);
      return only;
    },
  };
  if (options.roles !== undefined) {
    const catalogYaml = github.file("catalog.yaml") ?? "";
    const spec = JSON.stringify(options.roles);
    h.push({ "catalog.yaml": catalogYaml.replace(/^spec: \{/m, `spec: {"roles":${spec},`) });
  }
  // Comments are heard from the first round on.
  await self.talk();
  return self;
}
