/** A reconciler or janitor in a process of its own, for simulations. Says `ready`, then goes round until it is ended. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openCatalog } from "../src/git/open-catalog.ts";
import { sweep } from "../src/janitor.ts";
import { folderArtifacts } from "../src/local/artifacts.ts";
import { profileFolder } from "../src/local/profiles.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import { packageFile } from "../src/package-root.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import { folderCloud } from "../src/provisioners/simulated-cloud.ts";
import { reconcile } from "../src/reconcile.ts";
import { openStore } from "../src/store/open.ts";
import { deadly } from "./deadly.ts";

const { ROLE = "", DATABASE = "{}", FOLDER = "", NAME = "child", CATALOG = "", TOKEN, HOURS = "0" } = process.env;

const store = deadly(await openStore(JSON.parse(DATABASE), { max: 3, name: NAME }));
const clock = {
  now: () => new Date(Date.now() + Number(HOURS) * 3_600_000),
  monotonic: () => performance.now(),
};
const nothing = (): void => undefined;
const reporter = { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing };
const ofItsOwn = join(FOLDER, "children", NAME);
const artifacts = folderArtifacts(join(FOLDER, "artifacts"));

const round = async (): Promise<unknown> => {
  if (ROLE === "janitor")
    return await sweep({
      store,
      provisioners: new Map([["simulated", deadly(simulatedProvisioner({ cloud: folderCloud(FOLDER), seed: NAME }))]]),
      inventory: null,
      artifacts,
      artifactRetentionDays: 365,
      workspace: deadly(folderWorkspace(join(ofItsOwn, "work"))),
      clock,
      holder: NAME,
    });
  return await reconcile(
    { catalog, store, artifacts, shippedProfiles, clock, reporter, holder: NAME, requireReview: TOKEN !== undefined },
    { dryRun: false },
  );
};

const shippedProfiles = await profileFolder(packageFile("profiles"));
const token = TOKEN === undefined ? {} : { token: async () => TOKEN };
const catalog = deadly(openCatalog({ url: CATALOG, stateDir: ofItsOwn, ...token }));
process.stdout.write("ready\n");
for (;;) {
  // What fails here is what others did to it; what it did is looked at from outside.
  await round().catch(nothing);
  await delay(5);
}
