/** The shipped program, through the exec provisioner, as labkeeper runs it: real servers on this machine. */

import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { localPostgresCommand } from "../../src/local/local-postgres/command.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { expectNoLeak, secretsOf, watchedProcesses } from "../canary.ts";
import { provisionerContract } from "./contract.ts";
import { hearing, labOrder, temporaryFolder } from "./lab-order.ts";

/** Cluster names of the Postgres servers that run here, of this test alone. */
async function serversOf(prefix: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands
    .flatMap((command) => /\bcluster_name=([a-z0-9-]+)/.exec(command)?.[1] ?? [])
    .filter((name) => name.startsWith(prefix));
}

if (process.platform === "linux") {
  // One for all: where Postgres' binaries are not reachable for its user, they are copied there.
  const folder = await temporaryFolder();
  // As root, Postgres runs as somebody else, who has to pass.
  await chmod(folder.path, 0o711);
  afterAll(folder[Symbol.asyncDispose]);

  provisionerContract("local-postgres", async () => {
    const prefix = `c-${randomBytes(3).toString("hex")}`;
    return {
      provisioner: execProvisioner({
        name: "local-postgres",
        command: localPostgresCommand({ sharedDir: join(folder.path, "shared") }),
        environment: process.env,
      }),
      order: ({ name = "one", ...changes }) => labOrder({ ...changes, name: `${prefix}-${name.slice(-8)}` }),
      things: () => serversOf(prefix),
      [Symbol.asyncDispose]: async () => {
        const left = await serversOf(prefix);
        if (left.length > 0) throw new Error(`the test left servers behind: ${left.join(", ")}`);
      },
    };
  });

  test("no process ever has a lab's credentials among its arguments", async () => {
    const work = await temporaryFolder();
    const watch = watchedProcesses();
    const order = labOrder({ name: `p-${randomBytes(3).toString("hex")}` });
    const provisioner = execProvisioner({
      name: "local-postgres",
      command: localPostgresCommand({ sharedDir: join(folder.path, "shared") }),
      environment: process.env,
    });
    const context = hearing(work.path);
    const intent = await provisioner.prepare(order, context);
    try {
      const { credentials } = await provisioner.install(order, intent, context);
      await provisioner.verify(order, intent, credentials, context);
      await provisioner.update(order, intent, context);
      await watch.stop();
      expect([...watch.seen].join("\n")).toContain(order.name);
      await expectNoLeak(secretsOf(credentials), { said: { processes: watch.seen, log: context.lines } });
    } finally {
      await watch.stop();
      await provisioner.destroy(order, intent, context);
      await work[Symbol.asyncDispose]();
    }
  });
}
