import { type Rule, takesDown } from "./rule.ts";

/**
 * A plan is a contract: a commit ends only labs of which a merged pull request's plan said so. A direct push, a head
 * that was pushed after the plan, and a merge before any plan are held alike, and so is everything while it cannot be
 * known which pull requests were merged; what turns out to be reviewed goes on by itself in a later cycle.
 */
export const unreviewedDestroy: Rule = {
  name: "unreviewed-destroy",
  approvable: true,
  weigh: ({ facts: { reviewedDestroys = null }, now }) => {
    if (reviewedDestroys === null) return () => null;
    return (change) => {
      const { operation } = change;
      if (!takesDown(change, now) || !("lab" in operation) || reviewedDestroys.has(operation.lab.id)) return null;
      return {
        message: "no merged pull request is known whose plan showed that this lab ends",
        release: "Bring the file back and remove it by a pull request whose plan shows it, or approve the change.",
      };
    };
  },
};
