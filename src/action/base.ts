import type { CheckedOut } from "../catalog-ports.ts";
import { LabkeeperError } from "../errors.ts";
import type { PullRequestEvent } from "./event.ts";

const notFetched = (what: string, commit: string, depth: string): LabkeeperError =>
  new LabkeeperError("LK1003", `${what} ${commit.slice(0, 12)} was not fetched`, {
    remedy: `Give the step \`actions/checkout\` \`with: { fetch-depth: ${depth} }\`.`,
  });

/** GitHub's own merge of a pull request into its base: what is checked out unless the workflow asks for something else. */
const isMergeOf = ({ parents }: CheckedOut, headCommit: string): boolean =>
  parents.length === 2 && parents[1] === headCommit;

/**
 * The commit that an event's change starts from. Of GitHub's merge commit it is the first parent, which is all that has
 * to be fetched, and newer than what the event says when the base moved since. Rejects with LK1003 and the fetch depth
 * that is needed when it is not there.
 */
export const baseOfEvent = async (event: PullRequestEvent, head: CheckedOut): Promise<string> => {
  const [first] = head.parents;
  if (event.headCommit !== null && first !== undefined && isMergeOf(head, event.headCommit)) {
    if (await head.has(first)) return first;
    throw notFetched("the base of this pull request", first, "2");
  }
  if (await head.has(event.baseCommit)) return event.baseCommit;
  throw notFetched("the base commit", event.baseCommit, "0");
};
