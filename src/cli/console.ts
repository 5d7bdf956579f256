import type { WriteStream } from "node:tty";

export interface Console {
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
  /** Aborted when the reader of stdout has gone (`| head`). */
  readonly outputClosed: AbortSignal;
}

const withNewline = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/**
 * stdout and stderr that survive a reader who leaves: the rest is dropped, and work in hand goes on to its
 * durable end instead of dying half way.
 */
export const openConsole = (stdout: WriteStream, stderr: WriteStream): Console => {
  const closed = new AbortController();
  const gone = { stderr: false };
  const closing = (error: NodeJS.ErrnoException): boolean => error.code === "EPIPE" || error.code === "EIO";
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!closing(error)) throw error;
    closed.abort();
  });
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (!closing(error)) throw error;
    gone.stderr = true;
  });
  return {
    outputClosed: closed.signal,
    out: (text) => {
      if (!closed.signal.aborted && text !== "") stdout.write(withNewline(text));
    },
    note: (text) => {
      if (!gone.stderr && text !== "") stderr.write(withNewline(text));
    },
  };
};
