import { LabkeeperError } from "../errors.ts";
import type { Proposal, ProposalSource } from "../github-ports.ts";
import type { CatalogRepository } from "./catalog-repository.ts";
import { readProposal } from "./proposal.ts";
import { isOid } from "./refs.ts";

/** Proposals kept, the ones asked for last; larger ones are cheaper to read again than to hold. */
const KEPT = 200;
const KEPT_ENTRIES = 500;

/**
 * Reads each pull request once for its head and base: those two name the content exactly, so a proposal that was read
 * stays right for ever.
 */
export function proposalsOf(repository: CatalogRepository): ProposalSource {
  const kept = new Map<string, Proposal>();

  const keep = (key: string, proposal: Proposal): void => {
    kept.delete(key);
    if (proposal.labs.length + proposal.policyFiles.length > KEPT_ENTRIES) return;
    kept.set(key, proposal);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
  };

  return {
    async proposal(pullRequest, expectedHead, base, signal) {
      if (!isOid(expectedHead) || !isOid(base)) {
        throw new LabkeeperError("LK1003", "the head or base of a pull request is not a commit's oid");
      }
      const key = `${pullRequest} ${expectedHead} ${base}`;
      const known = kept.get(key);
      const proposal =
        known ??
        (await repository.readingHead(
          pullRequest,
          expectedHead,
          (objects) => readProposal(objects, { head: expectedHead, base }, signal),
          signal,
        ));
      if (proposal === null) {
        throw new LabkeeperError("LK1004", `history ends before it is clear where #${pullRequest} left the branch`, {
          remedy: "Fetch the whole history of the catalog's repository: `git fetch --unshallow`.",
        });
      }
      keep(key, proposal);
      return proposal;
    },
  };
}
