import type { CatalogHistory, CatalogSource } from "../catalog-ports.ts";
import type { CatalogEntry } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { CatalogFileSource, ProposalSource } from "../github-ports.ts";
import { parseAddress } from "./address.ts";
import { catalogFile } from "./catalog-file.ts";
import { labEntries, policyPaths, readEntries } from "./catalog-files.ts";
import { firstParents } from "./first-parents.ts";
import { localRepository } from "./local-catalog.ts";
import { proposalsOf } from "./proposals.ts";
import { remoteRepository } from "./remote-catalog.ts";

export interface CatalogOptions {
  /** LABKEEPER_CATALOG: an http(s) URL without credentials, or a path. */
  readonly url: string;
  /** A branch or tag; absent: the branch that the repository's HEAD names. */
  readonly ref?: string | undefined;
  /** Where a remote catalog is mirrored, in `catalog/`. */
  readonly stateDir: string;
  /** Read before each operation that needs it; only used for http(s), and never written anywhere. */
  readonly token?: (() => Promise<string | null>) | undefined;
  /** The git program for bulk reads, default "git"; null to do without. */
  readonly gitCommand?: string | null;
  /** Milliseconds of silence after which a request is given up, default 30,000. */
  readonly idleMs?: number;
  /** The most bytes that one pull request may bring, compressed; default 64 MiB. */
  readonly maxPullRequestBytes?: number;
}

/**
 * Opens a catalog. Nothing is read before the first call; a bad address throws LK1005 here.
 * Every failure of a method is a LabkeeperError LK1001…LK1005: nothing unreadable is answered as empty.
 */
export function openCatalog(
  options: CatalogOptions,
): CatalogSource & ProposalSource & CatalogFileSource & CatalogHistory {
  const address = parseAddress(options.url);
  const ref = options.ref ?? null;
  const gitCommand = options.gitCommand === undefined ? "git" : options.gitCommand;
  const repository =
    address.kind === "local"
      ? localRepository(address.path, ref, gitCommand)
      : remoteRepository({ ...options, url: address.url, ref, gitCommand, idleMs: options.idleMs ?? 30_000 });
  const proposals = proposalsOf(repository);
  let policy: { readonly key: string; readonly entries: readonly CatalogEntry[] } | null = null;

  return {
    head: (signal) => mended(() => repository.head(signal)),
    proposal: (pullRequest, expectedHead, base, signal) =>
      mended(() => proposals.proposal(pullRequest, expectedHead, base, signal)),
    branch: (signal) => mended(() => repository.branch(signal)),
    file: (commit, path) => mended(() => repository.reading((objects) => catalogFile(objects, commit, path))),
    commitsSince: (commit, since) =>
      mended(async () => {
        const found = await repository.readingHistory((objects) => firstParents(objects, commit, since));
        if (found === null) throw new LabkeeperError("LK1004", "the history ends too early");
        return found;
      }),
    isAncestor: (ancestor, descendant) => mended(() => repository.isAncestor(ancestor, descendant)),
    policyFiles: (commit) =>
      mended(() =>
        repository.reading(async (objects) => {
          const { key, differences } = await policyPaths(objects, (await objects.commit(commit)).tree);
          if (policy?.key !== key) policy = { key, entries: await readEntries(objects, await differences()) };
          return policy.entries;
        }),
      ),
    labChanges: (from, to) =>
      mended(() =>
        repository.reading(async (objects) => {
          const target = (await objects.commit(to)).tree;
          const base = from !== null && (await objects.hasCommit(from)) ? (await objects.commit(from)).tree : null;
          return { entries: await labEntries(objects, base, target), complete: base === null };
        }),
      ),
  };
}

/** Whatever else went wrong is an object or file that could not be read. */
async function mended<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof LabkeeperError) throw cause;
    if (cause instanceof Error && (cause.name === "AbortError" || cause.name === "TimeoutError")) {
      throw new LabkeeperError("LK1001", "reading it was interrupted", { cause });
    }
    throw new LabkeeperError("LK1004", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
