/** What `serve` does while the part that speaks with GitHub cannot be built: everything else. */

import { expect, test, vi } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import { type ServeDeps, serve } from "../../src/serve.ts";

const never = (): never => {
  throw new Error("not needed here");
};

test("goes on, and speaks as soon as it can, when GitHub refuses the credentials at first", async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  let refusals = 2;
  const deps: ServeDeps = {
    log: await createLog("silent"),
    onWork: async () => ({ [Symbol.asyncDispose]: async () => undefined }),
    reconcileDeps: async () => {
      seen.push("reconciles");
      throw new LabkeeperError("LK1001", "far enough");
    },
    workerDeps: never,
    workerOptions: never,
    janitorDeps: never,
    listen: async () => null,
    conversation: async () => {
      if (refusals-- > 0) throw new LabkeeperError("LK8007", "401");
      return {
        learnOfMerges: async () => undefined,
        mergesMeanwhile: async () => [],
        round: async () => {
          seen.push("speaks");
          return [];
        },
        report: async () => ({ sent: 0, failed: [] }),
      };
    },
  };
  const options = { roles: new Set(["reconciler", "reporter"] as const), pollMs: 10, sweepMs: 10, signal: stop.signal };
  const serving = serve(deps, options);
  await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set(["reconciles", "speaks"])), { timeout: 30_000 });
  stop.abort();
  await serving;
});
