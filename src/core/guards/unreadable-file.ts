import { isInPlaceOfTeam } from "../lab-path.ts";
import type { Change } from "../types.ts";
import { isDestroyByCommit, type Rule } from "./rule.ts";

/** These leave nothing of a file that could tell its lab's name: bad YAML or a feature of it, bad text, no plain file. */
const NAMELESS: ReadonlySet<string> = new Set(["LK2001", "LK2002", "LK2003", "LK2005"]);

/**
 * A broken file that belongs to no known lab may be the new home of one that seems removed: *could not read* is
 * never *is gone* (promise P1). It speaks for its own team only (promise P8).
 */
export const unreadableFile: Rule = {
  name: "unreadable-file",
  approvable: true,
  weigh: ({ plan }) => {
    const paths = new Map<string, string>();
    for (const change of plan.changes) {
      const path = namelessOrphan(change);
      if (path !== null && !paths.has(change.team)) paths.set(change.team, path);
    }
    return (change) => {
      const path = paths.get(change.team);
      if (path === undefined || !isDestroyByCommit(change)) return null;
      return {
        message: `${path} cannot be read and may be this lab's new file`,
        release: `Fix or remove ${path}, or approve the destroy.`,
      };
    };
  },
};

const namelessOrphan = ({ operation }: Change): string | null => {
  if (operation.kind !== "none" || operation.orphan === undefined) return null;
  const { path, problems } = operation.orphan;
  // What took the place of a team's folder took all of its files, and can be as readable as it likes.
  return isInPlaceOfTeam(path) || problems.length === 0 || problems.some(({ code }) => NAMELESS.has(code))
    ? path
    : null;
};
