import { doesSomething, type Rule } from "./rule.ts";

/** A commit that does not descend from the last trusted one may have lost anything: nothing of it is believed. */
export const historyRewritten: Rule = {
  name: "history-rewritten",
  approvable: true,
  weigh:
    ({ facts }) =>
    (change) => {
      if (!facts.historyRewritten || !doesSomething(change)) return null;
      return {
        message: "the catalog's history was rewritten: it does not descend from the last commit that was trusted",
        release: "Restore the branch to a descendant of the trusted commit, or approve each change that is meant.",
      };
    },
};
