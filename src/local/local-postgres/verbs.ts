/** One function per verb of the exec contract; each is safe to repeat after a crash at any point. */

import { createHash, randomInt } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject, Observation } from "../../core/types.ts";
import { canEnter, postgresAccount, sharedFolder } from "../postgres/account.ts";
import { findPostgresBinaries } from "../postgres/binaries.ts";
import { withLock } from "../postgres/lock.ts";
import { stopPostmaster } from "../postgres/postmaster.ts";
import { emptyFolder, lookAtFolder, makeFolder, placeOf, readPort, removeFolder, requireOurs } from "./folder.ts";
import { freePort, hostIdentity, probePort, serverProcesses } from "./host.ts";
import type { Intent, LabFacts, Request } from "./request.ts";
import { type Access, applyFacts, askWho, bringUp, type Surroundings } from "./server.ts";

/** Decides everything and makes nothing of it. That a Postgres can run here is part of deciding. */
export async function prepare({ lab, workdir }: Request, { sharedDir }: Surroundings): Promise<{ intent: Intent }> {
  await findPostgresBinaries(sharedDir === undefined ? {} : { sharedDir });
  const account = postgresAccount();
  const parent =
    account === null || (await canEnter(account, workdir)) ? workdir : await sharedFolder(account, sharedDir);
  const infraId = `${lab.name.slice(0, 27).replace(/(?<!-)-+$/, "")}-${randomLetters(5)}`;
  const seed = createHash("sha256").update(infraId).digest().readUInt32BE();
  return {
    intent: {
      infraId,
      host: await hostIdentity(),
      folder: join(parent, infraId),
      port: await freePort(seed),
      user: "lab_admin",
      database: "lab",
    },
  };
}

export async function install(
  lab: LabFacts,
  intent: Intent,
  around: Surroundings,
): Promise<{ outputs: JsonObject; credentials: Record<string, string> }> {
  const access = await up(lab, intent, around);
  const { host, port, user, password, database } = access;
  const url = `postgresql://${user}:${password}@${host}:${port}/${database}`;
  return {
    outputs: await outputsOf(access, intent),
    credentials: { host, port: String(port), user, password, database, url },
  };
}

/** Proves that exactly this lab answers to the stored credentials. */
export async function verify(
  intent: Intent,
  credentials: Readonly<Record<string, string>>,
): Promise<Record<string, never>> {
  const { host = "", port, user = "", password = "", database = "" } = credentials;
  const { infraId } = await askWho({ host, port: Number(port), user, password, database });
  if (infraId !== intent.infraId) throw new Error(`the server on port ${port} is ${infraId || "another one"}`);
  return {};
}

export async function update(lab: LabFacts, intent: Intent, around: Surroundings): Promise<{ outputs: JsonObject }> {
  return { outputs: await outputsOf(await up(lab, intent, around), intent) };
}

export async function destroy(intent: Intent, { progress }: Surroundings): Promise<Record<string, never>> {
  await requireHost(intent);
  const state = await lookAtFolder(intent);
  if (typeof state === "object") throw new Error(`cannot look at the lab's folder: ${state.unclear}`);
  if (state === "there") {
    await requireOurs(intent);
    await withLock(intent.folder, async () => {
      progress(20, "stopping the server");
      await stopPostmaster(placeOf(intent).dataDir, false);
      await endRemains(intent);
      progress(70, "removing the data");
      await emptyFolder(intent);
    });
  } else await endRemains(intent);
  await removeFolder(intent);
  return {};
}

export async function observe(intent: Intent): Promise<Observation & { evidence?: readonly string[] }> {
  try {
    await requireHost(intent);
    const state = await lookAtFolder(intent);
    if (typeof state === "object") return { verdict: "unknown", reason: state.unclear };
    const pids = await serverProcesses(intent.infraId);
    const port = state === "there" ? await readPort(intent) : intent.port;
    const answer = await probePort(port);
    if (answer.kind === "unclear") return { verdict: "unknown", reason: `port ${port}: ${answer.why}` };
    const evidence = [
      state === "there" ? `folder ${intent.folder} is there` : `folder ${intent.folder} is gone`,
      pids.length > 0 ? `${pids.length} processes run as ${intent.infraId}` : `no process runs as ${intent.infraId}`,
      // Every process was looked at: when none is the lab's, whoever answers on its old port is not the lab.
      answer.kind === "refused"
        ? `nothing listens on 127.0.0.1:${port}`
        : `127.0.0.1:${port} answers${pids.length > 0 ? "" : ", but it is another program"}`,
    ];
    return { verdict: state === "absent" && pids.length === 0 ? "absent" : "present", evidence };
  } catch (error) {
    return { verdict: "unknown", reason: (error as Error).message };
  }
}

async function up(lab: LabFacts, intent: Intent, around: Surroundings): Promise<Access> {
  await requireHost(intent);
  await makeFolder(intent, lab.id, postgresAccount());
  return await withLock(intent.folder, async () => {
    const access = await bringUp(intent, around);
    around.progress(90, "applying the lab's settings");
    await applyFacts(access, intent, lab);
    return access;
  });
}

async function outputsOf(access: Access, { infraId }: Intent): Promise<JsonObject> {
  const { host, port, user, database } = access;
  return { host, port, user, database, version: (await askWho(access)).version, infraId };
}

/** Servers whose folder lost its pid file, or was removed under them. Their name is unique to this lab. */
async function endRemains({ infraId }: Intent): Promise<void> {
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    for (const pid of await serverProcesses(infraId)) kill(pid, signal);
    const deadline = Date.now() + 5000;
    while (Date.now() < deadline) {
      if ((await serverProcesses(infraId)).length === 0) return;
      await delay(20);
    }
  }
  throw new Error(`processes of ${infraId} do not end`);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function requireHost({ host }: Intent): Promise<void> {
  const here = await hostIdentity();
  if (host !== here) throw new Error(`the lab is on host ${host}, this is ${here}`);
}

/** Without vowels, so that no word comes out. */
function randomLetters(count: number): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  return Array.from({ length: count }, () => letters[randomInt(letters.length)]).join("");
}
