import { doesSomething, type Rule } from "./rule.ts";

/** A catalog that lost all its lab files at once is more likely broken than meant. Freed names wait too. */
export const catalogEmpty: Rule = {
  name: "catalog-empty",
  approvable: true,
  weigh: ({ facts: { catalogFiles, liveLabs } }) => {
    if (catalogFiles > 0 || liveLabs === 0) return () => null;
    return (change) => {
      const goes = change.action === "destroy" || change.operation.kind === "forget";
      if (!goes || !doesSomething(change)) return null;
      return {
        message: `the catalog has no lab files at all, and ${liveLabs} labs are live`,
        release: "Bring the lab files back, or approve each destroy that is meant.",
      };
    };
  },
};
