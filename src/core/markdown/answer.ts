/** What `/lab status` answers: plain text, which is escaped where it is shown. */

import { shortened } from "../render-escape.ts";
import type { LabState } from "../types.ts";
import { timeWords } from "./words.ts";

export interface AnsweredLab {
  readonly lab: {
    readonly name: string;
    readonly team: string;
    readonly state: LabState;
    readonly expiresAt: Date | null;
  };
  readonly job: {
    readonly kind: string;
    readonly state: string;
    readonly step: string | null;
    readonly percent: number | null;
    readonly position: number | null;
  } | null;
}

/** A comment is no place for a long list; the command line tells all. */
const MOST_LABS = 20;

/** One line a lab: its name, team, state, what is done to it, and until when it lives. */
export const statusAnswer = (labs: readonly AnsweredLab[]): string => {
  if (labs.length === 0) return "There are no labs.";
  const width = Math.min(40, Math.max(...labs.slice(0, MOST_LABS).map(({ lab }) => lab.name.length)));
  const lines = labs.slice(0, MOST_LABS).map((each) => lineOf(each, width));
  const rest = labs.length - lines.length;
  return [...lines, ...(rest > 0 ? [`and ${rest} more: labkeeper status`] : [])].join("\n");
};

const lineOf = ({ lab, job }: AnsweredLab, width: number): string =>
  [
    shortened(lab.name, 63).padEnd(width),
    lab.state,
    ...(job === null ? [] : [jobWords(job)]),
    ...(lab.expiresAt === null ? [] : [`until ${timeWords(lab.expiresAt)}`]),
  ].join("  ");

const jobWords = ({ kind, state, step, percent, position }: NonNullable<AnsweredLab["job"]>): string => {
  if (state === "queued") return position === null ? `queued to ${kind}` : `queued to ${kind}, number ${position}`;
  return `${kind}${step === null ? "" : `: ${shortened(step, 40)}`}${percent === null ? "" : ` ${Math.round(percent)} %`}`;
};
