import type { Rule } from "./rule.ts";

/**
 * *Could not read* is never *was never made* (promise P1, from its other side): while nobody can tell whether a lab of this
 * name exists already, another is not made beside it. Updates and destroys need no memory and go on.
 */
export const unreadableMemory: Rule = {
  name: "unreadable-memory",
  approvable: false,
  weigh: () => (change) => {
    const { operation } = change;
    if (operation.kind !== "provision" || operation.remembered?.kind !== "unreadable") return null;
    const { why, remedy } = operation.remembered;
    return {
      message: `whether this lab was made before cannot be told: ${why}`,
      release: `It goes on by itself once that can be read. ${remedy}`,
    };
  },
};
