import { type ErrorCode, LabkeeperError } from "../errors.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "Make room on that file system.",
  EDQUOT: "Raise the disk quota or make room.",
  EACCES: "Let labkeeper's user read and write there.",
  EPERM: "Let labkeeper's user read and write there.",
  EROFS: "Use a folder on a writable file system.",
  ELOOP: "Replace the symbolic link by a real folder.",
};

/** The error of a file operation, with the code's remedy made concrete where the cause is known. */
export function diskError(code: ErrorCode, what: string, error: unknown): LabkeeperError {
  if (error instanceof LabkeeperError) return error;
  const why = (error as NodeJS.ErrnoException).code ?? "unknown error";
  const remedy = REMEDIES[why];
  return new LabkeeperError(code, `${what} (${why})`, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}

export const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
