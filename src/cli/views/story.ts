import { escapeTerminal } from "../../core/render-escape.ts";
import type { Json } from "../../core/types.ts";
import type { LabEvent } from "../../ports.ts";
import type { Palette } from "../palette.ts";
import { table } from "../table.ts";
import { duration, secondsBetween, stamp } from "../time.ts";
import { causeWords } from "./cause.ts";

const valueWords = (value: Json): string =>
  escapeTerminal(typeof value === "string" ? value : value === null ? "nothing" : JSON.stringify(value));

const fieldWords = (fields: Json): string =>
  (Array.isArray(fields) ? fields : [])
    .flatMap((field) =>
      typeof field === "object" && field !== null && !Array.isArray(field)
        ? [
            `${valueWords(field["path"] ?? "")}: ${valueWords(field["before"] ?? null)} → ${valueWords(field["after"] ?? null)}`,
          ]
        : [],
    )
    .join(", ");

/** What only programs follow, and the commit, which the cause names. Whole documents (an intent, a receipt) are in the JSON as well. */
const UNTOLD = new Set(["job", "commit"]);

/** What a payload says beyond what the line already shows, in people's words. */
const payloadWords = (event: LabEvent): string => {
  const { state, attempt, fields, failure, ...rest } = event.payload;
  const parts: string[] = [];
  if (typeof state === "string") parts.push(`now ${state}`);
  if (fields !== undefined) parts.push(fieldWords(fields));
  if (typeof attempt === "number" && attempt > 1) parts.push(`attempt ${attempt}`);
  if (typeof failure === "object" && failure !== null && !Array.isArray(failure)) {
    parts.push(`${valueWords(failure["code"] ?? "")} ${valueWords(failure["message"] ?? "")}`.trim());
  }
  for (const [name, value] of Object.entries(rest)) {
    if (!UNTOLD.has(name) && value !== null && value !== 0 && typeof value !== "object")
      parts.push(`${name} ${valueWords(value)}`);
  }
  return parts.filter((part) => part !== "").join("; ");
};

const tone = (type: string, colours: Palette): string => {
  if (/fail|dead|lost/.test(type)) return colours.red(type);
  if (/destroy|hold|expire|leav|cancel/.test(type)) return colours.yellow(type);
  return /ready|provisioned|updated|created|adopted/.test(type) ? colours.green(type) : type;
};

/** A lab's story: when (and how long after the line before), what, by whom and why. */
export const storyText = (events: readonly LabEvent[], colours: Palette): string =>
  table(
    events.map((event, index) => {
      const before = events[index - 1];
      const after = before === undefined ? "" : `+${duration(secondsBetween(before.at, event.at))}`;
      const cause = event.cause === null ? "" : causeWords(event.cause);
      // One cause runs through many lines; it is told where it is new.
      const known = before?.cause != null && causeWords(before.cause) === cause;
      const why = cause === "" || known ? "" : ` because of ${cause}`;
      const words = payloadWords(event);
      return [
        colours.dim(stamp(event.at)),
        colours.dim(after),
        tone(event.type, colours),
        `${words}${words === "" ? "" : " "}${colours.dim(`by ${escapeTerminal(event.actor)}${why}`)}`,
      ];
    }),
  );

/** What `explain --output json` prints. */
export const storyJson = (lab: string, events: readonly LabEvent[]): string =>
  JSON.stringify({ apiVersion: "labkeeper.dev/v1", kind: "Story", lab, events }, null, 2);
