/** What became of one lab, in a cell of the board. */

import type { BoardLab } from "../pull-request.ts";
import { code } from "./code.ts";
import { link, pullRequestLink, shownUrl } from "./link.ts";
import { bold, broken, EMPTY, inline, type Markdown, md, text } from "./text.ts";
import { durationWords, timeWords } from "./words.ts";

export interface Around {
  readonly repositoryUrl: string;
  readonly now: Date;
}

/** Which of its stories a lab is in; the most urgent first. */
export type BoardState = "failed" | "held" | "working" | "waiting" | "ready" | "gone";

const openHolds = ({ holds }: BoardLab): BoardLab["holds"] => holds.filter(({ state }) => state === "open");

export const boardState = (lab: BoardLab): BoardState => {
  const { state, job } = lab;
  if (state === "failed" || state === "failed_permanent" || state === "timed_out" || state === "destroy_failed")
    return "failed";
  if (openHolds(lab).length > 0) return "held";
  if (state === "destroyed") return "gone";
  if (job?.state === "running") return "working";
  if (job?.state === "queued" || state === null || state === "pending") return "waiting";
  if (lab.failure !== null) return "failed";
  if (lab.leavingUntil !== null) return "waiting";
  return state === "ready" || state === "hibernated" ? "ready" : "working";
};

export const boardCell = (lab: BoardLab, around: Around): Markdown =>
  broken([...stateLines(lab, around), ...openHolds(lab).flatMap(holdLines)]);

const stateLines = (lab: BoardLab, around: Around): Markdown[] => {
  const { job } = lab;
  if (job?.state === "running") return workingLines(lab, job, around);
  switch (lab.state) {
    case null:
    case "pending":
      return [queuedLine(lab)];
    case "provisioning":
    case "updating":
    case "hibernating":
    case "resuming":
    case "destroying":
      return job?.state === "queued" ? [queuedLine(lab)] : [md`⏳ ${bold(lab.state)}`];
    case "ready":
    case "hibernated":
      if (job?.state !== "queued") return readyLines(lab, around);
      return job.kind === "destroy" ? [queuedLine(lab)] : [queuedLine(lab), ...readyLines(lab, around)];
    case "failed":
    case "failed_permanent":
    case "timed_out":
    case "destroy_failed":
      return failedLines(lab);
    case "destroyed":
      return [goneLine(lab)];
  }
};

const queuedLine = ({ state, job, typicalSeconds, holds }: BoardLab): Markdown => {
  if (job === null) return holds.length > 0 || state !== null ? EMPTY : md`⏳ not taken up yet`;
  const place = job.position === null ? "" : `, number ${job.position} in the queue`;
  const typical =
    typicalSeconds === null || job.kind !== "provision"
      ? ""
      : `; such labs take about ${durationWords(typicalSeconds)} from their start`;
  return md`⏳ ${bold("queued")} to ${job.kind}${place}${typical}`;
};

type Job = NonNullable<BoardLab["job"]>;

const workingLines = (lab: BoardLab, job: Job, { now }: Around): Markdown[] => {
  const doing = { provision: "being made", update: "being changed", destroy: "being destroyed" }[job.kind] ?? job.kind;
  const percent = job.percent === null ? "" : `, ${Math.round(job.percent)} %`;
  const step =
    job.step === null ? EMPTY : md`${code(job.step)}${job.phase === null ? EMPTY : md`: ${job.phase}`}${percent}`;
  return [md`⏳ ${bold(doing)} for ${elapsedWords(lab, job, now)}`, step];
};

const elapsedWords = ({ typicalSeconds }: BoardLab, job: Job, now: Date): string => {
  const seconds = Math.max(0, (now.getTime() - job.since.getTime()) / 1000);
  // Whole minutes, so that the text does not change with every look at it.
  const elapsed = durationWords(Math.floor(seconds / 60) * 60);
  if (typicalSeconds === null || job.kind !== "provision") return elapsed;
  return seconds > typicalSeconds
    ? `${elapsed}, longer than the usual ${durationWords(typicalSeconds)}`
    : `${elapsed}, about ${durationWords(Math.ceil((typicalSeconds - seconds) / 60) * 60)} to go`;
};

const readyLines = (lab: BoardLab, { repositoryUrl }: Around): Markdown[] => {
  const { outputs, expiresAt, expiring, leavingUntil, failure } = lab;
  if (leavingUntil !== null)
    return [
      md`⏳ ${bold("leaves")} at ${timeWords(leavingUntil)}: it is destroyed then, unless its file comes back before`,
    ];
  const until = expiresAt === null ? "" : ` until ${timeWords(expiresAt)}`;
  const request =
    lab.expiryRequest === null ? EMPTY : md`: ${pullRequestLink(repositoryUrl, lab.expiryRequest)} removes its file`;
  const api = shownUrl(outputs["apiUrl"]);
  const staying = lab.action === "destroy" ? md`: its removal is not taken up yet, or was called off` : EMPTY;
  return [
    failure === null
      ? md`✅ ${bold(lab.state === "hibernated" ? "asleep" : "ready")}${until}${staying}`
      : md`❌ ${bold("ready, but its last change failed")}: ${failure.message}`,
    failure === null ? EMPTY : md`→ ${failure.remedy}`,
    consoleLine(lab),
    api === null ? EMPTY : md`API ${api}`,
    credentialsLine(lab),
    expiring ? md`⚠️ ${bold("expires soon")}${request}; longer: ${code(`/lab extend ${lab.name} 8h`)}` : EMPTY,
  ];
};

const consoleLine = ({ outputs }: BoardLab): Markdown =>
  shownUrl(outputs["consoleUrl"]) === null ? EMPTY : link("Console", outputs["consoleUrl"]);

const credentialsLine = ({ name, credentialsUrl }: BoardLab): Markdown =>
  inline([
    credentialsUrl === null || shownUrl(credentialsUrl) === null
      ? md`Credentials: ${code(`labkeeper credentials ${name}`)}`
      : link("Credentials", credentialsUrl),
  ]);

const failedLines = (lab: BoardLab): Markdown[] => {
  const { failure, state, name } = lab;
  const title = {
    failed: "failed",
    failed_permanent: "given up",
    timed_out: "given up: it took too long",
    destroy_failed: "could not be destroyed; it may still cost money",
  }[state as "failed" | "failed_permanent" | "timed_out" | "destroy_failed"];
  const again = failure?.retryAt ?? null;
  const tried = state === "failed" || state === "destroy_failed";
  return [
    md`❌ ${bold(title)}${failure === null || failure.step === null ? EMPTY : md` in ${code(failure.step)}`}`,
    failure === null ? EMPTY : md`${code(failure.code)} ${failure.message}`,
    failure === null ? EMPTY : md`→ ${failure.remedy}`,
    again !== null ? md`Tried again at ${timeWords(again)}` : EMPTY,
    tried ? EMPTY : md`Once more: ${code(`/lab retry ${name}`)}`,
  ];
};

const goneLine = ({ receipt, destroyCause }: BoardLab): Markdown => {
  const why = destroyCause?.kind === "expired" ? " after it expired" : "";
  return receipt === null
    ? md`✅ ${bold("destroyed")}${why}`
    : md`✅ ${bold("destroyed")}${why}, proven gone at ${timeWords(receipt.at)}`;
};

const holdLines = ({ id, guard, message, release, approvable }: BoardLab["holds"][number]): Markdown[] => [
  md`⏸️ ${bold("held")} by ${code(guard)}: ${message}`,
  text(release),
  approvable ? md`Release it: ${code(`/lab approve ${id}`)}` : EMPTY,
];
