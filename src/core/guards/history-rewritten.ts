import { doesSomething, type Rule } from "./rule.ts";

/** A commit that does not descend from the last trusted one may have lost anything: nothing of it is believed. */
export const historyRewritten: Rule = {
  name: "history-rewritten",
  approvable: true,
  weigh:
    ({ plan, facts }) =>
    (change) => {
      if (!facts.historyRewritten || !doesSomething(change)) return null;
      return {
        message: `the catalog's history was rewritten: ${shown(plan.previousCommit)} is no ancestor of ${shown(plan.commit)}`,
        release: "Restore the branch to a descendant of the trusted commit, or approve each change that is meant.",
      };
    },
};

const shown = (commit: string | null): string => (commit === null ? "the last trusted commit" : commit.slice(0, 12));
