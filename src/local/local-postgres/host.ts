/** This host: its name for itself, its free ports, its processes. */

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { promisify } from "node:util";

const HOST = "127.0.0.1";
/** Below the ports that Linux hands out by itself (net.ipv4.ip_local_port_range starts at 32768). */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** machine-id(5) where there is one: a host's name may change. */
export async function hostIdentity(): Promise<string> {
  const id = (await readFile("/etc/machine-id", "utf8").catch(() => "")).trim();
  return id === "" ? hostname() : id;
}

/** A port of loopback that nobody listens on now. Different seeds start looking at different places. */
export async function freePort(seed: number): Promise<number> {
  for (let step = 0; step < PORTS; step++) {
    const port = FIRST_PORT + ((seed + step) % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free`);
}

export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export type PortAnswer = { readonly kind: "open" | "refused" } | { readonly kind: "unclear"; readonly why: string };

/** Whether something takes connections on a port of loopback. */
export async function probePort(port: number): Promise<PortAnswer> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: HOST });
    socket.setTimeout(5000, () => {
      socket.destroy();
      resolve({ kind: "unclear", why: "no answer in 5 s" });
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ kind: "open" });
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? { kind: "refused" } : { kind: "unclear", why: error.message }),
    );
  });
}

/**
 * The processes of a server, by the cluster_name in its arguments or its children's titles; it finds them when their
 * folder is gone, too. Rejects when the processes cannot be listed.
 */
export async function serverProcesses(infraId: string): Promise<readonly number[]> {
  const mine = (command: string): boolean =>
    command.split(/[\0 ]/).includes(`cluster_name=${infraId}`) || command.startsWith(`postgres: ${infraId}: `);
  return (await listProcesses()).filter(({ command }) => mine(command)).map(({ pid }) => pid);
}

async function listProcesses(): Promise<{ pid: number; command: string }[]> {
  if (process.platform !== "linux") {
    const { stdout } = await promisify(execFile)("ps", ["-axww", "-o", "pid=,command="], { maxBuffer: 64 * 1024 ** 2 });
    return stdout.split("\n").map((line) => {
      const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
      return { pid: Number(pid), command: command ?? "" };
    });
  }
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  // At least this process is there: a /proc that shows none says nothing.
  if (pids.length === 0) throw new Error("/proc shows no processes");
  return await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, "utf8").catch((error: NodeJS.ErrnoException) => {
        // Ended meanwhile; or hidden from us (hidepid), which the processes of our own user never are.
        if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(error.code ?? "")) return "";
        throw error;
      }),
    })),
  );
}
