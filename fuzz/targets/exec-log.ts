import { lineReader, readLine } from "../../src/provisioners/log-lines.ts";
import { must, type Target, textOf } from "../target.ts";

const MOST = 5_000;
/** Of a line that is read: each tab becomes two characters, and the last word says that it was cut. */
const LONGEST = 2 * 65_536 + 7;

/** What an exec program prints on stderr: clean, short lines and progress, however it is cut into pieces. */
export const execLog: Target = {
  name: "exec-log",
  seeds: [
    "plain\n\u001b[31mred\u001b[0m\n::progress 40 waiting for bootstrap\n::progress - still\nwithout end",
    "\r\n\t\n\n",
  ],
  dictionary: [
    "::progress ",
    "::progress 100 ",
    "::progress - ",
    "101 ",
    "\n",
    "\r\n",
    "\u001b]0;",
    "\u0007",
    "\u009b",
    "\ud83d\ude00",
  ],
  run(input) {
    const text = textOf(input);
    const read = (pieces: readonly string[]): readonly string[] => {
      const heard: string[] = [];
      const sink = {
        log: (line: string) => void heard.push(line),
        progress: (phase: string, percent?: number) => {
          must(phase.length <= LONGEST && !/\p{Cc}/u.test(phase), "a phase is endless or acts");
          must(percent === undefined || (percent >= 0 && percent <= 100), "a percentage is none");
        },
      };
      const reader = lineReader((line) => readLine(line, sink), MOST);
      for (const piece of pieces) reader.push(piece);
      reader.end();
      return heard;
    };
    const lines = read([text]);
    for (const line of lines) must(line.length <= LONGEST && !/\p{Cc}/u.test(line), "a line is endless or acts");
    must(
      lines.every((line) => line.isWellFormed()),
      "a line has half a character",
    );
    if (text.length > MOST) return;
    const cut = input.length % 7 === 0 ? 1 : input.length % 7;
    const pieces = Array.from({ length: Math.ceil(text.length / cut) }, (_, at) =>
      text.slice(at * cut, (at + 1) * cut),
    );
    must(JSON.stringify(read(pieces)) === JSON.stringify(lines), "pieces read otherwise than the whole");
  },
};
