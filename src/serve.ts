import { setTimeout as pause } from "node:timers/promises";
import type { Conversation } from "./conversation.ts";
import type { Plan, Problem } from "./core/types.ts";
import { LabkeeperError } from "./errors.ts";
import type { JanitorDeps, Swept } from "./janitor.ts";
import { sweep } from "./janitor.ts";
import type { Log } from "./log.ts";
import type { Applied, ClaimedJob, JobOutcome, Reporter } from "./ports.ts";
import type { ReconcileDeps } from "./reconcile.ts";
import { reconcile } from "./reconcile.ts";
import { converseForever, reportForever } from "./serve-conversation.ts";
import type { Worker, WorkerDeps, WorkerOptions } from "./worker.ts";
import { startWorker } from "./worker.ts";

export type Role = "reconciler" | "worker" | "janitor" | "reporter";

export interface ServeOptions {
  readonly roles: ReadonlySet<Role>;
  readonly pollMs: number;
  /** Between two rounds of the janitor. */
  readonly sweepMs: number;
  readonly signal: AbortSignal;
}

export interface ServeDeps {
  readonly log: Log;
  /** Calls back when somebody asked for work: a command, or another process's plan. */
  onWork(callback: () => void): Promise<AsyncDisposable>;
  reconcileDeps(reporter: Reporter): Promise<ReconcileDeps>;
  workerDeps(reporter: Reporter, onError: (error: unknown) => void): Promise<WorkerDeps>;
  workerOptions(): WorkerOptions;
  janitorDeps(): Promise<JanitorDeps>;
  /** Null where nothing is told on pull requests. */
  conversation(): Promise<Conversation | null>;
  /** Takes webhooks, when there is an address to listen on; `ring` schedules. */
  listen(ring: () => void): Promise<AsyncDisposable | null>;
}

/** The longest pause after failures in a row, as a multiple of the poll interval's start. Milliseconds. */
const LONGEST_BACKOFF = 5 * 60_000;

/** How long to wait after the nth failure in a row: doubling from one second, spread by half to part replicas. */
export const backoff = (failures: number, random: number): number =>
  Math.round(Math.min(LONGEST_BACKOFF, 1000 * 2 ** Math.min(failures - 1, 20)) * (0.75 + random / 2));

const fieldsOf = (job: ClaimedJob): Readonly<Record<string, unknown>> => ({
  lab: job.lab.name,
  team: job.lab.team,
  job: job.id,
  kind: job.kind,
  attempt: job.attempt,
  correlationId: job.correlationId,
});

/** Of a job that is what kills its workers: somebody has to look, also where a destroy is tried again by itself. */
const alertOf = (outcome: JobOutcome): Readonly<Record<string, unknown>> =>
  (outcome.kind === "dead" || outcome.kind === "retry") && outcome.failure.code === "LK5010"
    ? { alert: "quarantined" }
    : {};

const outcomeFields = (outcome: JobOutcome): Readonly<Record<string, unknown>> =>
  outcome.kind === "retry" || outcome.kind === "dead"
    ? { outcome: outcome.kind, failure: outcome.failure }
    : { outcome: outcome.kind };

/** Says in the log what the stories do. */
export const logReporter = (log: Log): Reporter => ({
  planned: (plan: Plan, applied: Applied) => {
    const { create, update, destroy, held, problems } = plan.summary;
    const level = create + update + destroy + held + problems > 0 ? "info" : "debug";
    log[level]({ commit: plan.commit, hash: plan.hash, ...plan.summary, enqueued: applied.enqueued }, "plan applied");
  },
  jobStarted: (job) => log.info(fieldsOf(job), "job started"),
  step: (job, step) => log.info({ ...fieldsOf(job), step }, "step"),
  progress: (job, phase, percent) => log.debug({ ...fieldsOf(job), phase, percent }, "progress"),
  jobEnded: (job, outcome) => {
    const level =
      outcome.kind === "dead" || "alert" in alertOf(outcome) ? "error" : outcome.kind === "retry" ? "warn" : "info";
    log[level]({ ...alertOf(outcome), ...fieldsOf(job), ...outcomeFields(outcome) }, "job ended");
  },
});

/** Cycles that somebody asked for are at least this far apart, milliseconds: a thousand calls are one. */
const SHORTEST_PAUSE = 1000;

interface Doorbell {
  ring(): void;
  /** Resolves at a ring (also one since the last answer), after `ms`, or when the signal aborts. */
  answered(ms: number, signal: AbortSignal): Promise<void>;
}

export const doorbell = (): Doorbell => {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    answered: async (ms, signal) => {
      const bell = new AbortController();
      wake = () => bell.abort();
      if (!rung) await pause(ms, undefined, { signal: AbortSignal.any([signal, bell.signal]) }).catch(() => undefined);
      wake = null;
      rung = false;
    },
  };
};

/** Says each problem when it appears, not once a poll. */
const complaints = (log: Log): ((problems: readonly Problem[]) => void) => {
  let known = new Set<string>();
  return (problems) => {
    const now = new Set(problems.map((problem) => JSON.stringify(problem)));
    for (const problem of problems) {
      if (!known.has(JSON.stringify(problem))) log.warn({ ...problem }, "problem in the catalog");
    }
    known = now;
  };
};

/** Labs do not wait for whom they are told to: what is not known is held by the plan's own rule. */
const learn = async ({ conversation, log }: ServeDeps, signal: AbortSignal): Promise<void> => {
  try {
    await (await conversation())?.learnOfMerges(signal);
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, "what was merged is not known; goes on without");
  }
};

/** Reconciles now, at each poll, and when the bell rings. A failed cycle is logged and tried again later, never the end. */
const reconcileForever = async (
  deps: ServeDeps,
  reporter: Reporter,
  bell: Doorbell,
  { pollMs, signal }: ServeOptions,
): Promise<void> => {
  const { log } = deps;
  const complain = complaints(log);
  let failures = 0;
  while (!signal.aborted) {
    try {
      const startedAt = performance.now();
      await learn(deps, signal);
      const { plan } = await reconcile(await deps.reconcileDeps(reporter), { dryRun: false, signal });
      failures = 0;
      log.debug({ commit: plan.commit, ms: Math.round(performance.now() - startedAt) }, "cycle done");
      complain(plan.problems);
    } catch (error) {
      if (signal.aborted) return;
      const another = error instanceof LabkeeperError && error.code === "LK3005";
      failures = another ? 0 : failures + 1;
      log[another ? "debug" : "error"](
        { err: error, failures },
        another ? "another process reconciles" : "cycle failed; labs stay as they are",
      );
    }
    if (failures > 0) await pause(backoff(failures, Math.random()), undefined, { signal }).catch(() => undefined);
    else {
      await pause(Math.min(pollMs, SHORTEST_PAUSE), undefined, { signal }).catch(() => undefined);
      await bell.answered(Math.max(0, pollMs - SHORTEST_PAUSE), signal);
    }
  }
};

/** A lab that is gone may be wanted anew (a replacement, a file that came back): that is looked at once. */
const ringing = (reporter: Reporter, bell: Doorbell): Reporter => ({
  ...reporter,
  jobEnded: (job, outcome) => {
    reporter.jobEnded(job, outcome);
    if (outcome.kind === "destroyed") bell.ring();
  },
});

/** The first round of a janitor: soon, but not before the workers have begun. Milliseconds. */
const FIRST_SWEEP = 5_000;

/** What a round found, each in a line of its own: somebody has to look at it. */
export const tellSwept = (log: Log, swept: Swept): void => {
  const { confirmed, residue, orphans, unseen, forgotten, unforgotten } = swept;
  for (const lab of residue)
    log.warn({ alert: "residue", lab }, "something of a destroyed lab is still there; it is destroyed again");
  for (const { resource, why, lab } of orphans) {
    const { id, type, account, region, dailyCost } = resource;
    log.warn({ alert: "orphan", id, type, account, region, dailyCost, why, lab }, "no lab answers for a resource");
  }
  for (const { scope, reason } of unseen)
    log.warn({ alert: "unseen", scope, reason }, "could not be looked at for orphans");
  for (const { lab, reason } of unforgotten)
    log.warn({ alert: "artifacts", lab, reason }, "artifacts of a lab that is gone could not be removed");
  for (const lab of forgotten) log.info({ lab }, "artifacts of a lab that is gone were removed");
  log.debug(
    { confirmed, residue: residue.length, orphans: orphans.length, unseen: unseen.length },
    "round of the janitor done",
  );
};

/** A failed round is logged and followed by the next, never the end. */
const sweepForever = async (deps: ServeDeps, { sweepMs, signal }: ServeOptions): Promise<void> => {
  const { log } = deps;
  await pause(Math.min(FIRST_SWEEP, sweepMs), undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    try {
      tellSwept(log, await sweep(await deps.janitorDeps(), signal));
    } catch (error) {
      if (signal.aborted) return;
      const another = error instanceof LabkeeperError && error.code === "LK3005";
      log[another ? "debug" : "error"](
        { err: error },
        another ? "another process sweeps" : "round of the janitor failed",
      );
    }
    await pause(sweepMs, undefined, { signal }).catch(() => undefined);
  }
};

/**
 * Tries until it works or the signal aborts (then null): the database may come up after this process. What stops for
 * good is thrown, unless the process has more to do than this.
 */
export const patiently = async <T>(
  what: string,
  work: () => Promise<T>,
  log: Log,
  signal: AbortSignal,
  patience: "what may pass" | "whatever fails" = "what may pass",
): Promise<T | null> => {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await work();
    } catch (error) {
      const stops = error instanceof LabkeeperError && error.disposition === "stop";
      if (stops && patience === "what may pass") throw error;
      log.error({ err: error, failures }, `${what} failed, tried again`);
      await pause(backoff(failures, Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
  return null;
};

const startPatiently = (deps: ServeDeps, reporter: Reporter, signal: AbortSignal): Promise<Worker | null> => {
  const onError = (error: unknown): void => deps.log.error({ err: error }, "worker: a claim or heartbeat failed");
  const start = async () => startWorker(await deps.workerDeps(reporter, onError), deps.workerOptions());
  return patiently("starting a worker", start, deps.log, signal);
};

/** Both loops; nothing where nothing is told on pull requests. */
const converse = async (deps: ServeDeps, bell: Doorbell, { pollMs, signal }: ServeOptions): Promise<void> => {
  const { log } = deps;
  const conversation = await patiently("preparing to report", () => deps.conversation(), log, signal, "whatever fails");
  if (conversation === null) return;
  const { answered } = bell;
  await Promise.all([
    converseForever(conversation, { log, pollMs, signal, answered }),
    reportForever(conversation, { log, signal }),
  ]);
};

/**
 * Runs the chosen roles until the signal aborts, then ends in order: no new cycle, no new claims, running steps reach
 * a durable point, leases are given back.
 */
export const serve = async (deps: ServeDeps, options: ServeOptions): Promise<void> => {
  const { log } = deps;
  const { roles, signal } = options;
  const bell = doorbell();
  const conversationBell = doorbell();
  const ring = (): void => {
    bell.ring();
    conversationBell.ring();
  };
  const reporter = ringing(logReporter(log), bell);
  log.info({ roles: [...roles] }, "serving");
  await using _listening = roles.has("reconciler") || roles.has("reporter") ? await deps.onWork(ring) : null;
  await using _webhooks = await deps.listen(ring);
  const worker = roles.has("worker") ? await startPatiently(deps, reporter, signal) : null;
  const reconciler = roles.has("reconciler") ? reconcileForever(deps, reporter, bell, options) : Promise.resolve();
  const janitor = roles.has("janitor") ? sweepForever(deps, options) : Promise.resolve();
  const conversing = roles.has("reporter") ? converse(deps, conversationBell, options) : Promise.resolve();
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  log.info({}, "stopping: claiming no more, letting steps reach a durable point");
  await Promise.all([reconciler, janitor, conversing, worker?.stop()]);
  log.info({}, "stopped");
};
