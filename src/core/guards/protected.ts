import type { Change } from "../types.ts";
import type { Rule } from "./rule.ts";

/** A protected lab is never destroyed, whatever the cause. A file that lifts the protection counts before the record. */
export const protectedLab: Rule = {
  name: "protected",
  approvable: false,
  weigh: () => (change) => {
    if (!destroysProtected(change)) return null;
    return {
      message: "the lab is protected",
      release: "Set spec.protect to false in its file (bring the file back first when it is gone).",
    };
  },
};

const destroysProtected = ({ operation }: Change): boolean => {
  switch (operation.kind) {
    case "destroy":
    case "leave":
      return operation.lab.spec.protect;
    case "replace":
      return operation.file.document?.spec.protect ?? false;
    case "provision":
    case "update":
    case "return":
    case "forget":
    case "none":
      return false;
  }
};
