import { isWithin, type Rule, takesDown } from "./rule.ts";

/** Below this many live labs a share says little: removing one lab of three is a third of them. */
const SHARE_COUNTS_FROM = 10;

/**
 * Bounds how many labs commits may take down inside a window, over all pull requests together. The stricter of
 * count and share wins, and once it is exceeded every destroy that a commit causes waits, not only the last ones:
 * nobody can know which of them were meant. An edit that ends a lab at once counts like a removal. Expiries, approved
 * replacements and commands do not count.
 */
export const destroyBudget: Rule = {
  name: "destroy-budget",
  approvable: true,
  weigh: ({ plan, facts, policy, now }) => {
    const { maxDestroys, maxDestroyPercent, windowHours } = policy.guards;
    const planned = plan.changes.filter((change) => takesDown(change, now)).length;
    const share =
      facts.liveLabs < SHARE_COUNTS_FROM ? Infinity : Math.floor((facts.liveLabs * maxDestroyPercent) / 100);
    const limit = Math.min(maxDestroys, share);
    if (planned === 0 || isWithin(facts.recentDestroys + planned, limit)) return () => null;
    const bound =
      share < maxDestroys ? `${maxDestroyPercent} % of ${facts.liveLabs} live labs, ${share}` : `${maxDestroys}`;
    const objection = {
      message: `${planned} destroys planned and ${facts.recentDestroys} in the last ${windowHours} h; the budget is ${bound}`,
      release: "Approve each destroy that is meant, bring the other files back, or wait until the window has passed.",
    };
    return (change) => (takesDown(change, now) ? objection : null);
  },
};
