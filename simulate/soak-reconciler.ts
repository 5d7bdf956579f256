/** A reconciler of a soak: a process that runs one cycle after the other until it is ended. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openCatalog } from "../src/git/open-catalog.ts";
import { profileFolder } from "../src/local/profiles.ts";
import { packageFile } from "../src/package-root.ts";
import { reconcile } from "../src/reconcile.ts";
import { openStore } from "../src/store/open.ts";
import type { ReconcilerOrder } from "./soak-processes.ts";
import { codeOf, endWithSoak, persistently, sampling, say } from "./soak-told.ts";

const order = JSON.parse(process.env["ORDER"] ?? "{}") as ReconcilerOrder;
const { name, folder } = order;
const nothing = (): void => undefined;

const deps = {
  catalog: openCatalog({ url: join(folder, "catalog.git"), stateDir: join(folder, "state", name) }),
  store: await persistently(() => openStore(order.connection, { max: 4, name })),
  shippedProfiles: await profileFolder(packageFile("profiles")),
  clock: { now: () => new Date(), monotonic: () => performance.now() },
  reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
  holder: name,
  requireReview: false,
};
endWithSoak();
say({ tell: "ready", at: Date.now() });
sampling(order.sampleEveryMs, say);

while (true) {
  try {
    await reconcile(deps, { dryRun: false });
    say({ tell: "cycle", at: Date.now() });
  } catch (error) {
    say({ tell: "trouble", at: Date.now(), code: codeOf(error) });
  }
  await delay(order.pauseMs);
}
