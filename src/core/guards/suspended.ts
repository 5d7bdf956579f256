import type { Change } from "../types.ts";
import type { Rule } from "./rule.ts";

/** A suspended lab is left alone, but for the edit that ends the suspension, and for calling a destroy off. */
export const suspendedLab: Rule = {
  name: "suspended",
  approvable: false,
  weigh: () => (change) => {
    if (!touchesSuspended(change)) return null;
    return {
      message: "the lab is suspended",
      release: "Set spec.suspend to false in its file (bring the file back first when it is gone).",
    };
  },
};

const touchesSuspended = ({ operation }: Change): boolean => {
  switch (operation.kind) {
    case "provision":
      return operation.spec.suspend;
    case "update":
      return operation.lab.spec.suspend && operation.spec.suspend && operation.spec !== operation.lab.spec;
    case "replace":
      return operation.lab.spec.suspend && (operation.file.document?.spec.suspend ?? false);
    case "leave":
    case "destroy":
      return operation.lab.spec.suspend;
    case "return":
    case "forget":
    case "none":
      return false;
  }
};
