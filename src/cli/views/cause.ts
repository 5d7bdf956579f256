import { escapeTerminal } from "../../core/render-escape.ts";
import type { Cause } from "../../core/types.ts";

/** A cause as part of a sentence: `commit 1a2b3c4 (labs/x/y.yaml)`, after `pull request #12, ` where that is known. */
export const causeWords = (cause: Cause): string => {
  switch (cause.kind) {
    case "commit": {
      const brought = cause.pullRequest === undefined ? "" : `pull request #${cause.pullRequest}, `;
      const path = cause.path === null ? "" : ` (${escapeTerminal(cause.path)})`;
      return `${brought}commit ${cause.commit.slice(0, 10)}${path}`;
    }
    case "expired":
      return `expired at ${cause.expiresAt}`;
    case "command":
      return `${escapeTerminal(cause.command)} by ${escapeTerminal(cause.actor)}`;
    case "replace":
      return `replacement approved as ${cause.hold}, commit ${cause.commit.slice(0, 10)}`;
  }
};
