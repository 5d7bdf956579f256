import { palette } from "../../src/cli/palette.ts";
import { runCommand } from "../../src/cli/run.ts";
import { loadConfig } from "../../src/config.ts";
import type { Ended } from "./run-labkeeper.ts";

/** Runs a command line as a process would, down to the exit code, without the half second that starting one takes. */
export const inProcess = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> => {
  let stdout = "";
  let stderr = "";
  const line = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);
  const { exitCode } = await runCommand(
    args,
    {
      out: (text) => {
        stdout += line(text);
      },
      note: (text) => {
        stderr += line(text);
      },
      signal: new AbortController().signal,
      outputClosed: new AbortController().signal,
      colours: palette(false),
      noteColours: palette(false),
      columns: null,
      noteColumns: () => null,
      actor: "cli:tester",
    },
    await loadConfig({}, environment, "/"),
  );
  return { code: exitCode ?? 0, signal: null, stdout, stderr };
};
