import type { Cause } from "../../core/types.ts";
import { plainLine } from "../palette.ts";

/** A cause as part of a sentence: `commit 1a2b3c4 (labs/x/y.yaml)`. */
export const causeWords = (cause: Cause): string => {
  switch (cause.kind) {
    case "commit":
      return `commit ${cause.commit.slice(0, 10)}${cause.path === null ? "" : ` (${plainLine(cause.path)})`}`;
    case "expired":
      return `expired at ${cause.expiresAt}`;
    case "command":
      return `${plainLine(cause.command)} by ${plainLine(cause.actor)}`;
    case "replace":
      return `replacement approved as ${cause.hold}, commit ${cause.commit.slice(0, 10)}`;
  }
};
