/** The loops of `serve` that speak with the host of the pull requests. Slow or silent, it holds up nothing else. */

import { setTimeout as pause } from "node:timers/promises";
import type { Conversation } from "./conversation.ts";
import { LabkeeperError } from "./errors.ts";
import type { Log } from "./log.ts";

export interface ConversationLoop {
  readonly log: Log;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** Resolves when somebody rang, or after so many milliseconds. */
  answered(ms: number, signal: AbortSignal): Promise<void>;
}

/** Between two looks for reports that are due, milliseconds: a database's glance, not a call. */
const REPORT_EVERY = 2_000;

const isAnother = (error: unknown): boolean => error instanceof LabkeeperError && error.code === "LK3005";

/** Rounds that somebody asked for are at least this far apart, milliseconds: a thousand webhooks are one. */
const SHORTEST_PAUSE = 1_000;

/** A rate limit is no failure of anybody's. */
const levelOf = (error: unknown): "debug" | "warn" | "error" => {
  if (!(error instanceof LabkeeperError)) return "error";
  if (error.code === "LK3005") return "debug";
  return error.disposition === "wait" || error.disposition === "retry" ? "warn" : "error";
};

/** Rounds at each poll and ring. What fails is logged and tried again with the next. */
export const converseForever = async (
  { round }: Pick<Conversation, "round">,
  { log, pollMs, signal, answered }: ConversationLoop,
): Promise<void> => {
  while (!signal.aborted) {
    try {
      const failures = await round(signal);
      for (const error of failures) log[levelOf(error)]({ err: error }, "pull requests: a part of the round failed");
    } catch (error) {
      if (signal.aborted) return;
      log[levelOf(error)](
        { err: error },
        isAnother(error) ? "another process looks after pull requests" : "pull requests: the round failed",
      );
    }
    await pause(Math.min(pollMs, SHORTEST_PAUSE), undefined, { signal }).catch(() => undefined);
    await answered(Math.max(0, pollMs - SHORTEST_PAUSE), signal);
  }
};

/** Sends what is due, for ever. */
export const reportForever = async (
  { report }: Pick<Conversation, "report">,
  { log, signal }: Pick<ConversationLoop, "log" | "signal">,
): Promise<void> => {
  while (!signal.aborted) {
    try {
      const { sent, failed } = await report(signal);
      if (sent > 0) log.debug({ sent }, "reports sent");
      for (const { report: due, error } of failed) {
        const { kind, subject, pullRequest } = due;
        log[levelOf(error)](
          { err: error, kind, subject, pullRequest: pullRequest.number },
          "report failed, tried again",
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      log[levelOf(error)](
        { err: error },
        isAnother(error) ? "another process reports" : "reporting failed, tried again",
      );
    }
    await pause(REPORT_EVERY, undefined, { signal }).catch(() => undefined);
  }
};
