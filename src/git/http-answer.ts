import { LabkeeperError } from "../errors.ts";

const FLUSH = "0000";

/** The error for an HTTP status other than 200; the remedy tells who may be asked to do what. */
export function refused(url: string, status: number, withToken: boolean): LabkeeperError {
  const remedy =
    status === 401
      ? withToken
        ? "The token is wrong or has expired: renew GITHUB_TOKEN; labs stay as they are until then."
        : "The repository asks for credentials: set GITHUB_TOKEN; labs stay as they are until then."
      : status === 403
        ? "The credentials are known but may not read this repository (or a rate limit is reached): grant them read access to its contents."
        : status === 404
          ? "Check LABKEEPER_CATALOG; a private repository also answers 404 to those who may not see it."
          : "The server is in trouble; it is tried again. Labs stay as they are until the catalog can be read.";
  return new LabkeeperError("LK1001", `${url.replace(/\?.*/s, "")} answered ${status}`, { remedy });
}

/**
 * Throws LK1001 unless a body is a whole answer of git's smart HTTP protocol: packet lines that end with a flush.
 * https://git-scm.com/docs/gitprotocol-http, https://git-scm.com/docs/gitprotocol-common#_pkt_line_format
 */
export function checkAnswer(url: string, bytes: Buffer): void {
  const address = url.replace(/\?.*/s, "");
  if (bytes.length === 0) throw new LabkeeperError("LK1001", `${address} gave an empty answer`);
  if (!/^[0-9a-f]{4}/i.test(bytes.toString("latin1", 0, 4))) {
    throw new LabkeeperError("LK1001", `${address} does not speak git's smart HTTP protocol`, {
      remedy: "Check that LABKEEPER_CATALOG is a git repository's URL and that no sign-in page stands before it.",
    });
  }
  const said = /^[0-9a-f]{4}ERR ([^\n]{0,200})/i.exec(bytes.toString("latin1", 0, 300))?.[1];
  if (said !== undefined) {
    throw new LabkeeperError("LK1001", `${address} refused: ${said.replace(/[^\x20-\x7e]/g, "?")}`);
  }
  if (bytes.toString("latin1", bytes.length - 4) !== FLUSH) {
    throw new LabkeeperError("LK1001", `${address} gave only part of an answer`);
  }
}
