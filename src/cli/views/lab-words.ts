import { escapeTerminal } from "../../core/render-escape.ts";
import type { LabState } from "../../core/types.ts";
import type { Palette } from "../palette.ts";
import { duration, relative } from "../time.ts";
import type { JobView, LabView } from "./lab-view.ts";

const TONES: Readonly<Record<LabState, "green" | "yellow" | "red" | "dim" | "cyan">> = {
  pending: "cyan",
  provisioning: "cyan",
  ready: "green",
  updating: "cyan",
  hibernating: "cyan",
  hibernated: "dim",
  resuming: "cyan",
  failed: "yellow",
  failed_permanent: "red",
  timed_out: "red",
  destroying: "yellow",
  destroy_failed: "red",
  destroyed: "dim",
};

export const stateWord = (state: LabState, colours: Palette): string => colours[TONES[state]](state);

/** `provision: install 43% for 1m 2s, about 30s left`, or why it waits. */
export const jobWords = (job: JobView, now: Date): string => {
  if (job.state === "dead")
    return `${job.kind}: given up after ${job.attempt} ${job.attempt === 1 ? "attempt" : "attempts"}`;
  const again = job.attempt > 1 ? ` (attempt ${job.attempt})` : "";
  if (job.elapsedSeconds === null) {
    const later = new Date(job.runAt).getTime() > now.getTime();
    if (later) return `${job.kind}: again ${relative(new Date(job.runAt), now)}`;
    return job.position === null ? `${job.kind}: queued` : `${job.kind}: queued, place ${job.position}`;
  }
  const step = job.step === null ? "starting" : job.step;
  const phase = job.phase === null || job.phase === job.step ? "" : ` (${escapeTerminal(job.phase)})`;
  const percent = job.percent === null ? "" : ` ${job.percent}%`;
  const eta = job.etaSeconds === null ? "" : `, about ${duration(job.etaSeconds)} left`;
  return `${job.kind}: ${step}${phase}${percent} for ${duration(job.elapsedSeconds)}${eta}${again}`;
};

/** What is going on with a lab, in one cell. */
export const workWords = (view: LabView, now: Date): string => {
  const parts: string[] = [];
  if (view.job !== null) parts.push(jobWords(view.job, now));
  if (view.leavingUntil !== null && view.state !== "destroying") {
    parts.push(`leaving: destroyed ${relative(new Date(view.leavingUntil), now)} unless its file comes back`);
  }
  if (view.failure !== null && view.job?.elapsedSeconds === null) parts.push(failureWords(view));
  if (view.failure !== null && view.job === null) parts.push(failureWords(view));
  return parts.join("; ");
};

const failureWords = (view: LabView): string =>
  view.failure === null ? "" : `${view.failure.code} ${escapeTerminal(view.failure.message)}`;

export const expiryWords = (view: LabView, now: Date): string =>
  view.expiresAt === null ? "-" : relative(new Date(view.expiresAt), now);
