import type { Rule } from "./rule.ts";

/** A name has one lab at a time. Two that were never proven gone are for a person to look at. */
export const severalRemembered: Rule = {
  name: "several-remembered",
  approvable: true,
  weigh: () => (change) => {
    const { operation } = change;
    if (operation.kind !== "provision" || operation.remembered?.kind !== "lab") return null;
    const { lab, others } = operation.remembered;
    if (others.length === 0) return null;
    return {
      message: `the records do not know ${others.join(", ")} of this name either`,
      release: `Look at \`labkeeper orphans list\` for what they left, then approve the adoption of ${lab.id}, the latest.`,
    };
  },
};
