/** One call on one lab: runs the installer and its tools, listens to them, and hides what must not be heard. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SessionKeys } from "../../cloud-ports.ts";
import { type FailureFound, failureScan } from "../../core/openshift/failures.ts";
import { type Progress, progressTracker } from "../../core/openshift/progress.ts";
import { redactor, streamRedactor } from "../../core/redact.ts";
import { LabkeeperError } from "../../errors.ts";
import type { LabOrder, ProvisionerContext } from "../../ports.ts";
import { type RunEnd, run } from "../exec-run.ts";
import { cleanText } from "../log-lines.ts";
import { clearRun, recordRun, stopStray } from "../run-record.ts";
import { type Cloud, NO_CLOUD, type OpenshiftDeps } from "./deps.ts";
import { type Folders, foldersOf, readIfThere } from "./folders.ts";
import { installerEnvironment } from "./installer-env.ts";
import { accountOf } from "./intent.ts";
import { lendSession, roleEnvironment } from "./role-session.ts";
import { environmentSecrets } from "./run-secrets.ts";

export interface Session {
  readonly deps: OpenshiftDeps;
  readonly lab: LabOrder;
  readonly context: ProvisionerContext;
  readonly cloud: Cloud;
  readonly folders: Folders;
  readonly now: () => Date;
  /** From here on these are hidden in the log and in errors. */
  hide(secrets: readonly string[]): void;
  redact(text: string): string;
  log(line: string): void;
  /** Runs a program; one at a time. Its stderr goes to the lab's log. */
  run(call: Call): Promise<Ended>;
}

export interface Call {
  readonly command: readonly string[];
  /** As it is called in errors and logs. */
  readonly name: string;
  readonly timeoutMs?: number;
  onProgress?(progress: Progress): void;
}

export interface Ended {
  readonly end: RunEnd;
  readonly failure: FailureFound;
}

/** The longest any one run may take by itself; a provision has its profile's limit besides. */
const LONGEST_RUN_MS = 6 * 3_600_000;

const graceMs = ({ gracePeriodSeconds = 90 }: OpenshiftDeps): number => gracePeriodSeconds * 1_000;

/**
 * Opens a lab's folders and stops what an earlier, crashed call left running on this host: there are never two
 * installers on one lab. Rejects with LK5009 when the call is over already.
 */
export async function openSession(deps: OpenshiftDeps, lab: LabOrder, context: ProvisionerContext): Promise<Session> {
  if (context.signal.aborted) throw new LabkeeperError("LK5009", `${lab.name} was not touched`);
  const folders = foldersOf(context.workdir);
  await mkdir(context.workdir, { recursive: true, mode: 0o700 });
  await stopStray(context.workdir, graceMs(deps), (line) => context.log(line), "SIGINT");
  const cloud = deps.clouds.get(lab.spec.platform) ?? NO_CLOUD;
  const keys = async (): Promise<SessionKeys | null> => (await cloud.account?.sessionKeys(accountOf(lab))) ?? null;
  const assumed = await keys();
  const given = assumed === null ? null : roleEnvironment(folders.session);
  const env = await installerEnvironment(deps.environment, given, folders.temporary);
  const hidden = new Set<string>(environmentSecrets(env));
  let redact = redactor([...hidden]);
  const session: Session = {
    deps,
    lab,
    context,
    cloud,
    folders,
    now: deps.now ?? (() => new Date()),
    hide: (secrets) => {
      for (const secret of secrets) hidden.add(secret);
      redact = redactor([...hidden]);
    },
    redact: (text) => context.redact?.(redact(text)) ?? redact(text),
    log: (line) => context.log(redact(line)),
    run: async (call) => {
      await using _lent = assumed === null || context.signal.aborted ? null : await lend();
      return await runOnce(session, call, env, hidden);
    },
  };
  const lend = (): Promise<AsyncDisposable> =>
    lendSession({
      folder: folders.session,
      keys: async () => {
        const now = await keys();
        if (now === null) throw new LabkeeperError("LK6108", `${lab.name}'s account assumes no role any more`);
        return now;
      },
      hide: session.hide,
      log: session.log,
      everyMs: (deps.renewEverySeconds ?? 60) * 1_000,
    });
  return session;
}

/** Characters of a line that a failure is told by, at most. */
const SCANNED = 4_096;

async function runOnce(
  { deps, context, redact }: Session,
  call: Call,
  env: Readonly<Record<string, string>>,
  hidden: ReadonlySet<string>,
): Promise<Ended> {
  const scan = failureScan();
  const track = progressTracker();
  let stream = streamRedactor([...hidden]);
  let known = hidden.size;
  let room = deps.maxLogChars ?? 8 * 1024 ** 2;
  const say = (text: string): void => {
    for (const line of text.split("\n")) if (line !== "") context.log(line);
  };
  const onLogLine = (raw: string): void => {
    // The scan keeps only the beginning of a line, which must not be that of a secret.
    scan.push(raw.length > SCANNED ? redact(raw) : raw);
    const progress = track(raw);
    if (progress !== null) {
      context.progress(progress.phase, progress.percent);
      call.onProgress?.(progress);
    }
    if (room < 0) return;
    if (known !== hidden.size) {
      say(stream.flush());
      known = hidden.size;
      stream = streamRedactor([...hidden]);
    }
    room -= raw.length;
    say(stream.push(`${cleanText(raw)}\n`));
    if (room < 0) say(`${stream.flush()}\nthe rest of ${call.name}'s log is left out`);
  };
  const end = await run({
    command: call.command,
    env,
    cwd: context.workdir,
    input: "",
    timeoutMs: call.timeoutMs ?? LONGEST_RUN_MS,
    termGraceMs: graceMs(deps),
    lost: context.lost,
    stopSignal: "SIGINT",
    maxOutputBytes: 1024 ** 2,
    maxLogChars: Number.POSITIVE_INFINITY,
    signal: context.signal,
    onLogLine,
    started: (pid) => recordRun(context.workdir, call.name, pid),
  });
  if (room >= 0) say(stream.flush());
  if (end.gone) await clearRun(context.workdir);
  return { end, failure: scan.result(end.kind === "exit" ? end.code : null) };
}

export const succeeded = ({ end }: Ended): boolean => end.kind === "exit" && end.code === 0;

/** The error that stands for how a run ended. */
export function runError(session: Session, name: string, { end, failure }: Ended): LabkeeperError {
  const { kind, line } = failure;
  const what = `${session.lab.name}: ${name}`;
  switch (end.kind) {
    case "aborted":
      return new LabkeeperError("LK5009", `${what} was stopped`);
    case "timeout":
      return new LabkeeperError("LK5218", `${what} did not end in its time`);
    case "flood":
      return new LabkeeperError("LK5220", `${what} printed too much`);
    case "not-started":
      return new LabkeeperError("LK5201", `${what} cannot be started (${end.error.code ?? "unknown error"})`, {
        cause: end.error,
      });
    case "signal":
      return new LabkeeperError("LK5220", `${what} was killed by ${end.signal}`);
    case "exit": {
      const said = line === null ? `exit code ${end.code}` : shortened(session.redact(line));
      return new LabkeeperError(kind.code, `${what} (exit code ${end.code}, ${kind.class}): ${said}`, {
        remedy: kind.remedy,
        disposition: kind.disposition,
      });
    }
  }
}

/** Errors are shown in one line; the log has all of it. */
const shortened = (text: string): string => {
  const line = cleanText(text.replaceAll(/\s+/g, " "));
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
};

/** Learns the cluster's own secrets, once it has some. */
export async function hideClusterSecrets(session: Session): Promise<void> {
  const auth = join(session.folders.cluster, "auth");
  const password = (await readIfThere(join(auth, "kubeadmin-password")))?.trim();
  const kubeconfig = await readIfThere(join(auth, "kubeconfig"));
  const keys = [...(kubeconfig ?? "").matchAll(/client-key-data: (\S{16,8192})/g)].map(([, key]) => key ?? "");
  session.hide([...(password ? [password] : []), ...keys]);
}
