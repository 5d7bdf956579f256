/** A dry run right after a merge: it hears what a real run would learn, records nothing, and its plan is the real one's. */

import { expect, test } from "vitest";
import { planToJson } from "../../src/core/render-json.ts";
import type { Plan } from "../../src/core/types.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { mergesMeanwhile } from "../../src/pull-requests.ts";
import { reconcile } from "../../src/reconcile.ts";
import { gone, lab, labs } from "../promises/files.ts";
import { carriedOut, hostedWorld, plain } from "../pull-requests/hosted-world.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

/** The plan of a dry run, then the same real run as `labkeeper reconcile`; both equal, and the first left no trace. */
async function bothPlans(h: TalkingWorld): Promise<Plan> {
  const before = await h.w.dump();
  const mergedMeanwhile = await h.conversation.mergesMeanwhile();
  const dry = await reconcile(
    {
      catalog: h.w.catalog,
      store: h.w.store,
      artifacts: h.w.artifacts,
      shippedProfiles: h.deps.shippedProfiles,
      clock: h.deps.clock,
      reporter: { planned: none, jobStarted: none, step: none, progress: none, jobEnded: none },
      holder: "dry-run",
      requireReview: true,
      mergedMeanwhile,
    },
    { dryRun: true },
  );
  expect(await h.w.dump()).toBe(before);
  await h.conversation.learnOfMerges();
  const real = await h.w.reconcile();
  expect(dry.plan.hash).toBe(real.plan.hash);
  expect(changes(dry.plan)).toEqual(changes(real.plan));
  expect(carriedOut(real.plan.changes)).not.toEqual([]);
  return dry.plan;
}

const none = (): void => undefined;
/** Without the times that clocks of two runs give. */
const changes = (plan: Plan): unknown => planToJson(plan, { all: true })["changes"];

test("a reviewed merge, a head pushed after its plan, a revert, and a push", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two", "three", "four", "five"]) });
  await h.turn();
  const one = h.open(gone("one"));
  const two = h.open(gone("two"));
  const four = h.open(gone("four"));
  await h.talk();
  h.github.push(two, plain(lab("six")));
  h.github.merge(one);
  h.github.merge(two);
  h.push(gone("three"));
  expect(carriedOut((await bothPlans(h)).changes)).toEqual([
    "create six",
    "destroy one",
    "destroy three (unreviewed-destroy)",
    "destroy two (unreviewed-destroy)",
  ]);
  await h.w.work();
  h.github.merge(four);
  h.github.merge(h.open(lab("four")));
  h.push(gone("four"));
  await bothPlans(h);
});

test("a request of labkeeper's own that ends a lab before it expires", async () => {
  await using h = await talkingWorld({
    files: { ...lab("one", { spec: { ttlHours: 24 } }), ...lab("other", { spec: { ttlHours: 168 } }) },
    profiles: { quick: { lifecycle: { deletionGraceHours: 4 } } },
  });
  await h.turn();
  h.w.later(23);
  await h.turn();
  await h.talk();
  const [request] = h.github.pullRequests().filter(({ head }) => head.ref.startsWith("labkeeper/"));
  h.github.merge(request?.number ?? 0);
  const [change] = (await bothPlans(h)).changes;
  expect(change).toMatchObject({ held: null, operation: { kind: "destroy" } });
});

test("GitHub that cannot be asked: it is told, and nothing is taken for merged", async () => {
  await using h = await hostedWorld();
  const endedPullRequests = () => Promise.reject(new LabkeeperError("LK8001", "down"));
  expect(await mergesMeanwhile({ ...h.deps, host: { ...h.deps.host, endedPullRequests } })).toEqual([]);
  expect(h.told).toMatchObject([{ error: { code: "LK8001" }, pullRequest: null }]);
});
