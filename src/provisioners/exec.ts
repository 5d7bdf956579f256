/**
 * A provisioner made of the operator's own program: one verb an invocation, JSON on stdin and stdout.
 * The contract is docs/provisioners.md. Catalog content reaches the program as data on stdin and no other way (P10).
 */

import { mkdir } from "node:fs/promises";
import { revealAll } from "../core/credentials.ts";
import { API_VERSION, type JsonObject } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Credentials, LabOrder, Provisioner, ProvisionerContext } from "../ports.ts";
import {
  failureMessage,
  hider,
  parseAnswer,
  parseInstall,
  parseObserve,
  parsePrepare,
  parseUpdate,
  secretValues,
  shortText,
} from "./exec-answer.ts";
import { type RunEnd, run } from "./exec-run.ts";
import { type ExecProgram, type ExecSettings, execProgram, type Verb } from "./exec-settings.ts";
import { readLine } from "./log-lines.ts";
import { clearRun, recordRun, stopStray } from "./run-record.ts";

interface Call {
  readonly verb: Verb;
  readonly lab: LabOrder;
  readonly intent: JsonObject | null;
  readonly credentials: Credentials | null;
  readonly context: ProvisionerContext;
}

/** Throws LK7001 when the settings can never work; whether the program exists is seen when it is called. */
export function execProvisioner(settings: ExecSettings): Provisioner {
  const program = execProgram(settings);
  return {
    prepare: async (lab, context) =>
      parsePrepare(await invoke(program, { verb: "prepare", lab, intent: null, credentials: null, context })),
    install: async (lab, intent, context) =>
      parseInstall(await invoke(program, { verb: "install", lab, intent, credentials: null, context })),
    verify: async (lab, intent, credentials, context) => {
      parseAnswer("verify", await invoke(program, { verb: "verify", lab, intent, credentials, context }), []);
    },
    update: async (lab, intent, context) =>
      parseUpdate(await invoke(program, { verb: "update", lab, intent, credentials: null, context })),
    destroy: async (lab, intent, context) => {
      parseAnswer("destroy", await invoke(program, { verb: "destroy", lab, intent, credentials: null, context }), []);
    },
    observe: async (lab, intent, context) => {
      try {
        const stdout = await invoke(program, { verb: "observe", lab, intent, credentials: null, context });
        return parseObserve(stdout, (text) => context.redact?.(text) ?? text);
      } catch (error) {
        // Whatever went wrong, nothing was seen: that is never an absence (P1, P4).
        return { verdict: "unknown", reason: error instanceof Error ? shortText(error.message) : "observe failed" };
      }
    },
  };
}

/** Runs one verb and answers its stdout. Throws a LabkeeperError for every end but exit code 0. */
async function invoke(program: ExecProgram, call: Call): Promise<Uint8Array> {
  const { verb, lab, context } = call;
  const hide = hider(call.credentials === null ? [] : secretValues(revealAll(call.credentials)));
  const sink = {
    log: (line: string) => context.log(hide(line)),
    progress: (phase: string, percent?: number) => context.progress(hide(phase), percent),
  };
  // Observing changes nothing, so it may run beside another verb and neither stops nor records anything.
  const exclusive = verb !== "observe";
  try {
    await mkdir(context.workdir, { recursive: true, mode: 0o700 });
    if (exclusive) await stopStray(context.workdir, program.termGraceMs, sink.log);
    const end = await run({
      command: [...program.command, verb],
      env: program.env,
      cwd: context.workdir,
      input: request(call),
      timeoutMs: timeoutSeconds(program, verb, lab) * 1000,
      termGraceMs: program.termGraceMs,
      lost: context.lost,
      maxOutputBytes: program.maxOutputBytes,
      maxLogChars: program.maxLogChars,
      signal: context.signal,
      onLogLine: (line) => readLine(line, sink),
      started: async (pid) => {
        if (exclusive) await recordRun(context.workdir, verb, pid);
      },
    });
    if (exclusive && end.gone) await clearRun(context.workdir);
    if (end.kind === "exit" && end.code === 0) return end.stdout;
    throw failure(program, call, end, (text) => context.redact?.(hide(text)) ?? hide(text));
  } catch (error) {
    if (error instanceof LabkeeperError) throw error;
    throw new LabkeeperError("LK5002", `${program.name} ${verb} could not be run`, { cause: error });
  }
}

const request = ({ verb, lab, intent, credentials, context }: Call): string =>
  `${JSON.stringify({
    apiVersion: API_VERSION,
    verb,
    lab: {
      id: lab.id,
      name: lab.name,
      team: lab.team,
      spec: lab.spec,
      profile: { name: lab.profile.name, spec: lab.profile.spec },
    },
    intent,
    credentials: credentials === null ? null : revealAll(credentials),
    workdir: context.workdir,
  })}\n`;

function timeoutSeconds(program: ExecProgram, verb: Verb, lab: LabOrder): number {
  const own = program.timeoutSeconds[verb];
  return verb === "install" ? Math.min(own, lab.profile.spec.lifecycle.provisionTimeoutMinutes * 60) : own;
}

/** The error that stands for how a call ended. */
function failure(program: ExecProgram, call: Call, end: RunEnd, hide: (text: string) => string): LabkeeperError {
  const what = `${program.name} ${call.verb}`;
  switch (end.kind) {
    case "aborted":
      return new LabkeeperError("LK5009", `${what} was stopped`);
    case "timeout":
      return new LabkeeperError("LK5004", `${what} ran longer than ${timeoutSeconds(program, call.verb, call.lab)} s`);
    case "flood":
      return new LabkeeperError("LK5005", `${what} printed more than ${program.maxOutputBytes} bytes on stdout`);
    case "signal":
      return new LabkeeperError("LK5002", `${what} was killed by ${end.signal}`);
    case "not-started":
      return notStarted(program, what, end.error);
    case "exit": {
      const said = failureMessage(call.verb, end.stdout, hide) ?? `exit code ${end.code}`;
      if (end.code === 2) return new LabkeeperError("LK5003", `${what}: ${said}`);
      return new LabkeeperError(call.verb === "verify" && end.code === 1 ? "LK5006" : "LK5002", `${what}: ${said}`);
    }
  }
}

/** A program that is not there or not executable stays so until the operator acts; a full process table does not. */
function notStarted(program: ExecProgram, what: string, error: NodeJS.ErrnoException): LabkeeperError {
  const forGood = ["ENOENT", "EACCES", "ENOTDIR", "ENOEXEC", "ELOOP"].includes(error.code ?? "");
  const detail = `${what} cannot be started (${error.code ?? "unknown error"})`;
  if (!forGood) return new LabkeeperError("LK5002", detail, { cause: error });
  const remedy = `Check the command registered for provisioner ${program.name}, then \`labkeeper retry LAB\`.`;
  return new LabkeeperError("LK5003", detail, { cause: error, remedy });
}
