/** Turns a program's stderr into log lines and progress. Hostile output is cut and cleaned, never refused. */

export interface LogSink {
  log(line: string): void;
  progress(phase: string, percent?: number): void;
}

/**
 * Characters read of one line. What is shown is shorter, but is cut only where it was redacted: a secret that a cut goes
 * through is none that redaction knows. A kubeconfig or a pull secret in one line fits.
 */
const MAX_LINE = 65_536;

/**
 * Terminal sequences: control sequences, control strings, and the other escapes (ECMA-48, sections 5.3 to 5.6). No string
 * goes over a control character, so that many that never end cost no more than their text is long.
 */
const SEQUENCES = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]",
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x00-\\x1f\\x7f-\\x9f]{0,1024}(?:\\x07|\\x1b\\\\|\\x9c)",
    "\\x1b[ -/]{0,8}[0-~]",
  ].join("|"),
  "g",
);

/** Without terminal sequences and control characters, which could rewrite what a terminal shows. */
export const cleanText = (text: string): string =>
  text
    .replaceAll("\t", "  ")
    .replace(SEQUENCES, "")
    .replace(/\p{Cc}/gu, "")
    .toWellFormed();

/** `::progress 40 waiting for the control plane`; `-` when the percentage is not known. */
const PROGRESS = /^::progress (-|\d{1,3}(?:\.\d+)?) (\S.*)$/;

export function readLine(raw: string, sink: LogSink): void {
  const line = cleanText(raw);
  const [, percent, phase] = PROGRESS.exec(line) ?? [];
  if (percent === undefined || phase === undefined || Number(percent) > 100) sink.log(line);
  else if (percent === "-") sink.progress(phase);
  else sink.progress(phase, Number(percent));
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
      // Of a line without end no more is kept than is read of it.
      lines[0] = pending.length > MAX_LINE ? pending : (pending + (lines[0] ?? "")).slice(0, MAX_LINE + 1);
      pending = lines.pop() ?? "";
      for (const line of lines) emit(line);
      if (seen <= maxChars) return;
      open = false;
      end();
      onLine(`log limit of ${maxChars} characters reached; the rest is dropped`);
    },
    end,
  };
}
