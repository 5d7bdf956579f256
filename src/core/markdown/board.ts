/** A pull request that was merged: what became of its labs. */

import type { BoardLab } from "../pull-request.ts";
import { type Around, type BoardState, boardCell, boardState } from "./board-row.ts";
import { fence } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { fold } from "./fold.ts";
import { receiptFold } from "./receipt.ts";
import { table } from "./table.ts";
import { blocks, bold, broken, EMPTY, md, text } from "./text.ts";

const ORDER: readonly BoardState[] = ["failed", "held", "working", "waiting", "ready", "gone"];
const MARKS = { failed: "❌", held: "⏸️", working: "⏳", waiting: "⏳", ready: "✅", gone: "✅" } as const;
const WORDS = {
  failed: "failed",
  held: "held",
  working: "at work",
  waiting: "waiting",
  ready: "ready",
  gone: "destroyed",
} as const;

const byUrgency = (labs: readonly BoardLab[]): BoardLab[] =>
  [...labs].sort((a, b) => ORDER.indexOf(boardState(a)) - ORDER.indexOf(boardState(b)));

/** `⏳ 1 at work, 2 ready`, as plain text. */
export const boardHeadline = (labs: readonly BoardLab[]): string => {
  const states = labs.map(boardState);
  const present = ORDER.filter((state) => states.includes(state));
  const [first] = present;
  if (first === undefined) return "Merged: no lab is concerned";
  const words = present.map((state) => `${states.filter((each) => each === state).length} ${WORDS[state]}`);
  return `${MARKS[first]} ${words.join(", ")}`;
};

const boardPart = (labs: readonly BoardLab[], around: Around): Part => ({
  importance: 90,
  items: labs.length,
  render: (shown) => {
    const rest = andMore(labs.length, shown);
    return blocks([
      table(
        ["Lab", "Now"],
        labs
          .slice(0, shown)
          .map((lab) => [broken([bold(text(lab.name, 80)), text(lab.team, 80)]), boardCell(lab, around)]),
      ),
      rest === null ? EMPTY : md`… ${rest}.`,
    ]);
  },
});

const logsPart = (labs: readonly BoardLab[]): Part => {
  const failed = labs.filter(({ logTail }) => logTail.length > 0);
  return {
    importance: 30,
    items: failed.length,
    render: (shown, brief) =>
      blocks(
        failed
          .slice(0, shown)
          .map(({ name, logTail }) => fold(`Last lines of the log of ${name}`, fence(logTail.slice(brief ? -5 : -20)))),
      ),
  };
};

const receiptsPart = (labs: readonly BoardLab[]): Part => {
  const gone = labs.filter(({ receipt }) => receipt !== null);
  return {
    importance: 35,
    items: gone.length,
    render: (shown, brief) => blocks(gone.slice(0, shown).map((lab) => receiptFold(lab, brief))),
  };
};

/** Every part of the board, in the order in which it is read. */
export const boardParts = (labs: readonly BoardLab[], around: Around): Part[] => {
  const sorted = byUrgency(labs);
  return [boardPart(sorted, around), logsPart(sorted), receiptsPart(sorted)];
};
