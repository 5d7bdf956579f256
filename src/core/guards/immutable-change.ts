import type { Rule } from "./rule.ts";

/** Replacing a lab loses what is on it, so a person has to say yes to each one. */
export const immutableChange: Rule = {
  name: "immutable-change",
  approvable: true,
  weigh: () => (change) => {
    if (change.operation.kind !== "replace") return null;
    return {
      message: `${change.fields.map(({ path }) => path).join(", ")} cannot change in place: the lab would be destroyed and created again`,
      release: "Approve the replacement, or undo the edit and add a lab under another name.",
    };
  },
};
