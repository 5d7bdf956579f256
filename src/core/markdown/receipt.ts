import type { BoardLab } from "../pull-request.ts";
import { andMore } from "./fit.ts";
import { fold } from "./fold.ts";
import { blocks, bold, EMPTY, list, type Markdown, md, text } from "./text.ts";
import { timeWords } from "./words.ts";

type Observation = NonNullable<BoardLab["receipt"]>["observations"][number];

const look = ({ at, evidence }: Observation, most: number): Markdown => {
  const shown = evidence.slice(0, most);
  const rest = andMore(evidence.length, shown.length);
  return blocks([
    md`${bold(timeWords(at))}: absent`,
    list([...shown.map((line) => text(line, 200)), ...(rest === null ? [] : [md`${rest}`])]),
  ]);
};

/** The proof that a lab is gone: what was asked, where, when, and what it answered. */
export const receiptFold = ({ name, receipt }: BoardLab, brief: boolean): Markdown => {
  if (receipt === null) return EMPTY;
  const { observations, checkedAgain, provisioner, at } = receipt;
  const again = checkedAgain.map(timeWords).join(", ");
  return fold(
    `Receipt: ${name} is gone since ${timeWords(at)}`,
    blocks([
      md`Looked for by ${provisioner}, ${observations.length} times, independently of what destroyed it:`,
      ...observations.map((each) => look(each, brief ? 3 : 30)),
      checkedAgain.length === 0
        ? md`It is looked for again after a day and after a week.`
        : md`Looked for again at ${again}: still absent.`,
    ]),
  );
};
