/** What people may ask for in a comment, and how it is found there. */

import { saidLines } from "./comment-lines.ts";

export type LabCommand =
  | { readonly verb: "help" }
  | { readonly verb: "status"; readonly lab: string | null }
  | { readonly verb: "retry" | "cancel" | "destroy"; readonly lab: string }
  | { readonly verb: "extend"; readonly lab: string; readonly hours: number }
  | { readonly verb: "approve"; readonly hold: string }
  /** `message` says what is wrong with it. */
  | { readonly verb: "refused"; readonly message: string };

/** A longer line is no command, whatever it begins with. */
const LONGEST_LINE = 300;
const COMMAND = /^ {0,3}\/lab(?:[ \t]|$)/;
/** Nobody types these, and Postgres stores no NUL: one comment must not keep all others from being received. */
const CONTROL = /[^\P{Cc}\t]/u;

/**
 * The lines of a comment that are commands: those that begin with `/lab` and are said by the comment's author. What is
 * quoted, hidden or shown as an example asks for nothing.
 */
export const commandLines = (body: string): readonly string[] =>
  saidLines(body, (line) => line.length <= LONGEST_LINE && COMMAND.test(line) && !CONTROL.test(line)).map((line) =>
    line.trim(),
  );

/** DNS labels, as lab names are. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HOLD = /^hold-[0-9a-f]{10}$/;
const HOURS = /^([1-9][0-9]{0,3})(h|d)$/;
const MOST_HOURS = 8760;

const USAGE: Readonly<Record<string, string>> = {
  status: "/lab status [NAME]",
  retry: "/lab retry NAME",
  cancel: "/lab cancel NAME",
  destroy: "/lab destroy NAME",
  extend: "/lab extend NAME 8h",
  approve: "/lab approve HOLD",
  help: "/lab help",
};

/** Every command with its form, in the order in which help lists them. */
export const COMMAND_FORMS: readonly string[] = Object.values(USAGE);

const refused = (message: string): LabCommand => ({ verb: "refused", message });

const hoursOf = (text: string): number | null => {
  const match = HOURS.exec(text);
  if (match === null) return null;
  const hours = Number(match[1]) * (match[2] === "d" ? 24 : 1);
  return hours <= MOST_HOURS ? hours : null;
};

/** Reads one line that `commandLines` found. */
export const parseCommand = (line: string): LabCommand => {
  const [, verb = "help", ...words] = line.split(/[ \t]+/);
  const usage = Object.hasOwn(USAGE, verb) ? USAGE[verb] : undefined;
  if (usage === undefined) return refused("There is no such command. `/lab help` lists them.");
  const wrong = refused(`It is written \`${usage}\`.`);
  const [first, second] = words;
  switch (verb) {
    case "help":
      return words.length === 0 ? { verb } : wrong;
    case "status":
      if (first === undefined) return { verb, lab: null };
      return words.length === 1 && NAME.test(first) ? { verb, lab: first } : wrong;
    case "retry":
    case "cancel":
    case "destroy":
      return words.length === 1 && first !== undefined && NAME.test(first) ? { verb, lab: first } : wrong;
    case "extend": {
      const hours = second === undefined ? null : hoursOf(second);
      return words.length === 2 && first !== undefined && NAME.test(first) && hours !== null
        ? { verb, lab: first, hours }
        : wrong;
    }
    case "approve":
      return words.length === 1 && first !== undefined && HOLD.test(first) ? { verb, hold: first } : wrong;
    default:
      return wrong;
  }
};
