import { LabkeeperError } from "../../errors.ts";

export type Verdict = "ok" | "warning" | "failed" | "skipped";

/** One thing that `doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do; null when there is nothing to do. */
  readonly remedy: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, verdict: "ok", detail, remedy: null });

export const skipped = (name: string, detail: string): Check => ({ name, verdict: "skipped", detail, remedy: null });

export const warning = (name: string, detail: string, remedy: string): Check => ({
  name,
  verdict: "warning",
  detail,
  remedy,
});

export const failed = (name: string, detail: string, remedy: string): Check => ({
  name,
  verdict: "failed",
  detail,
  remedy,
});

/** Longest that one look may take, milliseconds; a server that swallows packets must not hang the doctor. */
const LOOK_MS = 15_000;

/** Runs one look; whatever it throws becomes a failed check with the error's own remedy. */
export const look = async (name: string, work: () => Promise<Check>): Promise<Check> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Check>((resolve) => {
    const answer = failed(name, `no answer within ${LOOK_MS / 1000} s`, "Check the address and the network.");
    timer = setTimeout(() => resolve(answer), LOOK_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    if (error instanceof LabkeeperError) return failed(name, `${error.code} ${error.message}`, error.remedy);
    return failed(
      name,
      error instanceof Error ? error.message : String(error),
      "Run again with --debug and report it.",
    );
  } finally {
    clearTimeout(timer);
  }
};
