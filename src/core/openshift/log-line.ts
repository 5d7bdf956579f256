/** One line of the installer's log, from stderr (`level=info msg="…"`), its file (with a time) or a terminal. */

export interface LogLine {
  readonly level: "trace" | "debug" | "info" | "warning" | "error" | "fatal" | "unknown";
  readonly message: string;
}

/** More of a line tells nothing new, and bounds what is looked at. */
const LONGEST = 4_096;

const LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"] as const;

const levelOf = (text: string): LogLine["level"] =>
  LEVELS.find((level) => level === text || (text === "warn" && level === "warning")) ?? "unknown";

const TERMINAL = /^(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)(?:\[\d{4}\])?\s/;

export function parseLogLine(raw: string): LogLine {
  const line = raw.slice(0, LONGEST).trim();
  const terminal = TERMINAL.exec(line);
  if (terminal !== null) {
    return { level: levelOf((terminal[1] ?? "").toLowerCase()), message: line.slice(terminal[0].length).trim() };
  }
  const at = line.startsWith("level=") ? 0 : line.startsWith("time=") ? line.indexOf(" level=") + 1 : -1;
  if (at < 0 || !line.startsWith("level=", at)) return { level: "unknown", message: line };
  const space = line.indexOf(" ", at);
  const level = levelOf(line.slice(at + "level=".length, space === -1 ? undefined : space));
  const message = space === -1 ? "" : line.slice(space + 1);
  return { level, message: message.startsWith("msg=") ? unquoted(message.slice("msg=".length)) : message };
}

/** logrus quotes what has more than plain characters in it, with Go's escapes. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  const inside = text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text.slice(1);
  return inside.replace(/\\(["\\nt])/g, (_, character: string) =>
    character === "n" ? "\n" : character === "t" ? "\t" : character,
  );
}
