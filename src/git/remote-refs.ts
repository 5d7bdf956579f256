import git, { type HttpClient } from "isomorphic-git";
import { LabkeeperError } from "../errors.ts";
import { refCandidates } from "./refs.ts";

export interface RemoteRef {
  /** Full name, for the fetch that may follow. */
  readonly name: string;
  readonly oid: string;
}

/**
 * Asks a server for one ref (null or `HEAD`: its HEAD), by protocol version 2, which lists nothing else: the older one lists
 * every pull request. Rejects with LK1003 when it does not exist, LK1001 when the server cannot be asked.
 */
export async function remoteRef(http: HttpClient, url: string, ref: string | null): Promise<RemoteRef> {
  if (ref === null || ref === "HEAD") {
    const head = (await list(http, url, "HEAD")).find((entry) => entry.ref === "HEAD");
    if (head !== undefined) return { name: head.target ?? "HEAD", oid: head.oid };
    throw new LabkeeperError("LK1003", `the default branch of ${url} has no commits`, {
      remedy: "Commit the catalog to it, or set LABKEEPER_CATALOG_REF to a branch that exists.",
    });
  }
  for (const name of refCandidates(ref)) {
    const found = (await list(http, url, name)).find((entry) => entry.ref === name);
    if (found !== undefined) return { name, oid: found.peeled ?? found.oid };
  }
  throw new LabkeeperError("LK1003", `${url} has no branch or tag "${ref}"`);
}

async function list(http: HttpClient, url: string, prefix: string) {
  try {
    return await git.listServerRefs({ http, url, prefix, symrefs: true, peelTags: true, protocolVersion: 2 });
  } catch (cause) {
    if (cause instanceof LabkeeperError) throw cause;
    throw new LabkeeperError("LK1001", `${url} does not answer as a git server`, { cause });
  }
}
