/**
 * One labkeeper process among several, to be killed, stopped and started: `node member.ts ORDER`, where ORDER is JSON of the
 * type in members.ts. Kills itself, as a lost machine would, at the point that the order names.
 */

import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openCatalog } from "../../src/git/open-catalog.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { createLog } from "../../src/log.ts";
import { packageFile } from "../../src/package-root.ts";
import type { LabOrder, Provisioner } from "../../src/ports.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { simulatedProvisioner } from "../../src/provisioners/simulated.ts";
import { folderCloud } from "../../src/provisioners/simulated-cloud.ts";
import { reconcile } from "../../src/reconcile.ts";
import { logReporter } from "../../src/serve.ts";
import { openStore } from "../../src/store/open.ts";
import { startWorker } from "../../src/worker.ts";
import type { Order } from "./members.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
// From the first moment: it may be asked to leave while it is starting.
const asked = once(process, "SIGTERM");

const die = async (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return await new Promise<never>(() => undefined);
};
const point = async (name: string): Promise<void> => {
  if (name === order.diesAt) await die();
};

/** The same calls, each with a point before and one after it. Steps are told apart by their names. */
const perilous = <Port extends object>(port: Port): Port =>
  Object.fromEntries(
    Object.entries(port).map(([name, call]) => {
      if (typeof call !== "function") return [name, call];
      const dangerous = async (...given: unknown[]): Promise<unknown> => {
        const what = name === "beginStep" ? `beginStep ${given[1]}` : name;
        await point(`before ${what}`);
        const answer: unknown = await (call as (...all: unknown[]) => unknown)(...given);
        // A claim that found nothing is not one.
        if (!(name === "claim" && (answer as readonly unknown[]).length === 0)) await point(`after ${what}`);
        return answer;
      };
      return [name, dangerous];
    }),
  ) as Port;

const poisoned = (provisioner: Provisioner): Provisioner => {
  const deadly = async (lab: LabOrder): Promise<void> => {
    if (!order.poison?.includes(lab.name)) return;
    // Neighbours are in the middle of something when it happens.
    await delay(order.fuseMs ?? 0);
    await die();
  };
  return {
    ...provisioner,
    install: async (lab, ...rest) => {
      await deadly(lab);
      return await provisioner.install(lab, ...rest);
    },
    destroy: async (lab, ...rest) => {
      await deadly(lab);
      return await provisioner.destroy(lab, ...rest);
    },
  };
};

/** Writes down when a call begins and ends, so that nobody has to be believed who says that there never were two. */
const witnessed = (provisioner: Provisioner): Provisioner =>
  Object.fromEntries(
    Object.entries(provisioner).map(([verb, call]) => {
      const seen = async (...given: unknown[]): Promise<unknown> => {
        const { name } = given[0] as { readonly name: string };
        const tell = (what: string) => appendFileSync(join(order.folder, "witness"), `${what} ${name} ${verb}\n`);
        tell("begin");
        try {
          return await (call as (...all: unknown[]) => unknown)(...given);
        } finally {
          tell("end");
        }
      };
      return [verb, typeof call === "function" ? seen : call];
    }),
  ) as unknown as Provisioner;

const log = await createLog("info");
const store = perilous(await openStore(order.database, { max: 6 }));
const clock = { now: () => new Date(), monotonic: () => performance.now() };
const reporter = logReporter(log);

const artifacts = folderArtifacts(join(order.folder, "artifacts"));

if (order.role === "reconcile") {
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  const catalog = openCatalog({ url: order.catalog, stateDir: order.folder });
  const deps = {
    catalog,
    store,
    artifacts,
    shippedProfiles,
    clock,
    reporter,
    holder: order.name,
    requireReview: false,
  };
  await reconcile(deps, { dryRun: false });
} else {
  const cloud = folderCloud(order.folder);
  const simulated = perilous(witnessed(poisoned(simulatedProvisioner({ seed: "promises", cloud }))));
  const program = (command: readonly string[]): Provisioner =>
    execProvisioner({ name: "program", command, environment: process.env });
  const worker = await startWorker(
    {
      store,
      provisioners: new Map(
        Object.entries({ simulated: order.program === undefined ? simulated : program(order.program) }),
      ),
      artifacts: { ...artifacts, put: perilous({ remember: artifacts.put }).remember },
      secrets: perilous(
        folderSecrets({ root: join(order.folder, "secrets"), keyFile: join(order.folder, "secrets.key") }),
      ),
      workspace: folderWorkspace(join(order.folder, order.host ?? "work")),
      clock,
      reporter,
      observationGapMs: 0,
      random: () => 0.5,
      onError: (error) => log.error({ err: error }, "worker: a claim or heartbeat failed"),
    },
    {
      name: order.name,
      concurrency: order.concurrency ?? 1,
      destroyConcurrency: 0,
      leaseSeconds: order.leaseSeconds ?? 60,
      heartbeatSeconds: order.heartbeatSeconds ?? 15,
      pollMs: 50,
      drainMs: order.drainMs ?? 5_000,
      limits: { jobs: 99, creates: 99, createsPerTeam: 99, createsPerAccountRegion: 99 },
    },
  );
  await asked;
  await worker.stop();
}
await store.close();
process.exit(0);
