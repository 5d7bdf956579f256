/** Runs the shipped program as the exec provisioner does: verb as last argument, one JSON object in and out. */

import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { localPostgresCommand } from "../../src/local/local-postgres/command.ts";
import type { Intent } from "../../src/local/local-postgres/request.ts";
import type { Connection } from "../../src/local/postgres/presence.ts";

export interface Answer {
  readonly code: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: what the program prints is checked by the tests themselves.
  readonly body: any;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  readonly intent?: Intent | null;
  readonly credentials?: Record<string, string> | null;
  readonly spec?: Record<string, unknown>;
  /** Kill -9 of the whole process group, as soon as stderr shows this. */
  readonly killAt?: RegExp;
  readonly account?: object;
}

export interface Lab {
  readonly workdir: string;
  readonly sharedDir: string;
  run(verb: string, call?: Call): Promise<Answer>;
  /** An intent for it, from a real `prepare`. */
  prepare(): Promise<Intent>;
}

export async function lab(name: string): Promise<Lab> {
  const top = await mkdtemp(join(tmpdir(), "labkeeper lab "));
  await chmod(top, 0o711);
  const [workdir, sharedDir] = [join(top, "work"), join(top, "shared")];
  await mkdir(workdir, { mode: 0o700 });
  const intents: Intent[] = [];
  const run = async (verb: string, call: Call = {}): Promise<Answer> => {
    const request = {
      apiVersion: "labkeeper.dev/v1",
      verb,
      lab: {
        id: `id-of-${name}`,
        name,
        team: "team-a",
        spec: { owner: "octocat", costCenter: "sandbox", workers: 2, ttlHours: 24, tags: {}, ...call.spec },
        profile: { name: "local-postgres", spec: {} },
      },
      intent: call.intent ?? null,
      credentials: call.credentials ?? null,
      workdir,
    };
    return await runProgram([...localPostgresCommand({ sharedDir }), verb], JSON.stringify(request), call);
  };
  onTestFinished(async () => {
    for (const intent of intents) await run("destroy", { intent });
    await rm(top, { recursive: true, force: true });
  });
  const prepare = async (): Promise<Intent> => {
    const { body, stderr } = await run("prepare");
    if (body?.intent === undefined) throw new Error(stderr);
    intents.push(body.intent);
    return body.intent;
  };
  return { workdir, sharedDir, run, prepare };
}

export async function runProgram(command: readonly string[], input: string, call: Call = {}): Promise<Answer> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { ...call.account, cwd: "/", detached: true, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdin.on("error", () => undefined);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (call.killAt?.test(stderr)) process.kill(-child.pid!, "SIGKILL");
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, body: code === null ? null : JSON.parse(stdout), stdout, stderr };
}

export const connectionOf = (credentials: Record<string, string>): Connection => ({
  host: credentials["host"]!,
  port: Number(credentials["port"]),
  user: credentials["user"]!,
  password: credentials["password"]!,
  database: credentials["database"]!,
});
