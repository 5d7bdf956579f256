/** Turns a program's stderr into log lines and progress. Hostile output is cut and cleaned, never refused. */

import { stripVTControlCharacters } from "node:util";

export interface LogSink {
  log(line: string): void;
  progress(phase: string, percent?: number): void;
}

/** Characters kept of one line, of one phase. */
const MAX_LINE = 4096;
const MAX_PHASE = 120;

/** Without terminal sequences and control characters, which could rewrite what a terminal shows. */
export const cleanText = (text: string): string =>
  stripVTControlCharacters(text.replaceAll("\t", "  "))
    .replace(/\p{Cc}/gu, "")
    .toWellFormed();

/** `::progress 40 waiting for the control plane`; `-` when the percentage is not known. */
const PROGRESS = /^::progress (-|\d{1,3}(?:\.\d+)?) (\S.*)$/;

export function readLine(raw: string, sink: LogSink): void {
  const line = cleanText(raw);
  const [, percent, phase] = PROGRESS.exec(line) ?? [];
  if (percent === undefined || phase === undefined || Number(percent) > 100) sink.log(line);
  else if (percent === "-") sink.progress(phase.slice(0, MAX_PHASE));
  else sink.progress(phase.slice(0, MAX_PHASE), Number(percent));
}

/**
 * Splits text that arrives in pieces. After `maxChars` the rest is dropped, and said once: a chatty program must not
 * fill the disk, and must not lose a long install for it either.
 */
export function lineReader(
  onLine: (line: string) => void,
  maxChars: number,
): { push(text: string): void; end(): void } {
  let pending = "";
  let seen = 0;
  let open = true;
  const emit = (line: string): void => {
    onLine(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… (cut)` : line);
  };
  const end = (): void => {
    if (pending !== "") emit(pending);
    pending = "";
  };
  return {
    push: (text) => {
      if (!open) return;
      seen += text.length;
      const lines = text.split("\n");
      lines[0] = pending + (lines[0] ?? "");
      pending = lines.pop() ?? "";
      for (const line of lines) emit(line);
      // A line without end is kept only as far as it will be shown.
      pending = pending.slice(0, MAX_LINE + 1);
      if (seen <= maxChars) return;
      open = false;
      end();
      onLine(`log limit of ${maxChars} characters reached; the rest is dropped`);
    },
    end,
  };
}
