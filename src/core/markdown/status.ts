/** The commit status of one lab, on the commit that a pull request was merged as. */

import type { BoardLab } from "../pull-request.ts";
import { escapeTerminal, shortened } from "../render-escape.ts";
import { boardState } from "./board-row.ts";
import { timeWords } from "./words.ts";

export interface StatusLine {
  readonly state: "pending" | "success" | "failure" | "error";
  /** Plain text on one line, at most 140 characters. */
  readonly description: string;
}

const LONGEST = 140;

/**
 * One line about a lab. It has no clock in it: GitHub keeps every status ever set and takes a thousand of them for one
 * commit and context, so only what really moved may change it.
 */
export const statusLine = (lab: BoardLab): StatusLine => {
  const [state, description] = wordsOf(lab);
  // UTF-16 units are never fewer than characters.
  const line = escapeTerminal(description.toWellFormed());
  return { state, description: line.length <= LONGEST ? line : shortened(line, LONGEST / 2) };
};

const wordsOf = (lab: BoardLab): [StatusLine["state"], string] => {
  const { job, expiresAt } = lab;
  switch (boardState(lab)) {
    case "failed":
      return failedWords(lab);
    case "held": {
      const hold = lab.holds.find(({ state }) => state === "open");
      return ["pending", `held by ${hold?.guard ?? "a guard"}: ${hold?.message ?? ""}`];
    }
    case "working":
      return ["pending", job === null ? `${lab.state}` : `${job.kind}: ${job.step ?? "starting"}`];
    case "waiting":
      if (lab.leavingUntil !== null && job === null)
        return ["pending", `is destroyed at ${timeWords(lab.leavingUntil)} unless its file comes back`];
      return ["pending", job === null ? "not taken up yet" : `queued to ${job.kind}`];
    case "ready":
      return ["success", expiresAt === null ? "ready" : `ready until ${timeWords(expiresAt)}`];
    case "gone":
      return ["success", lab.receipt === null ? "destroyed" : `destroyed, proven gone at ${timeWords(lab.receipt.at)}`];
  }
};

const failedWords = ({ state, failure }: BoardLab): [StatusLine["state"], string] => {
  const why = failure === null ? "" : `: ${failure.code} ${failure.message}`;
  switch (state) {
    case "failed":
      return ["pending", `failed, tried again${why}`];
    case "destroy_failed":
      return ["error", `could not be destroyed yet${why}`];
    case "ready":
      return ["failure", `ready, but its last change failed${why}`];
    default:
      return ["failure", `given up${why}`];
  }
};
