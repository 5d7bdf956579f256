import type { CommandAnswer } from "../pull-request.ts";
import { code, fence } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { helpTable } from "./help.ts";
import { link } from "./link.ts";
import { blocks, bold, EMPTY, heading, type Markdown, md, text } from "./text.ts";

const answerOf = ({ author, command, commentUrl, state, answer }: CommandAnswer): Markdown => {
  const asked = md`${bold(text(author, 80))} ${link("asked", commentUrl)} ${code(command)}: ${state}`;
  const lines = answer.trim().split(/\r\n|\r|\n/);
  if (state === "done" && /^\/lab(?:\s+help)?$/.test(command.trim())) return blocks([md`${asked}.`, helpTable()]);
  if (answer.trim() === "") return asked;
  return lines.length === 1 ? md`${asked}. ${lines[0] ?? ""}` : blocks([asked, fence(lines)]);
};

/** What was asked for in comments, the latest first. */
export const commandsPart = (commands: readonly CommandAnswer[]): Part => {
  const latest = [...commands].sort((a, b) => b.at.getTime() - a.at.getTime());
  return {
    importance: 40,
    items: latest.length,
    render: (shown) => {
      if (latest.length === 0) return EMPTY;
      const rest = andMore(latest.length, shown);
      return blocks([
        heading(4, md`Commands`),
        ...latest.slice(0, shown).map(answerOf),
        rest === null ? EMPTY : md`… ${rest}, earlier ones.`,
      ]);
    },
  };
};
