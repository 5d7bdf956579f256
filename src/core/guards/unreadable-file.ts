import { appearance } from "../confusable.ts";
import { isInPlaceOfTeam, isLabel } from "../lab-path.ts";
import type { Change } from "../types.ts";
import { isDestroyByCommit, type Rule } from "./rule.ts";

/** These leave nothing of a file that could tell its lab's name: bad YAML or a feature of it, bad text, no plain file. */
const NAMELESS: ReadonlySet<string> = new Set(["LK2001", "LK2002", "LK2003", "LK2005"]);

/**
 * A broken file that belongs to no known lab may be the new home of one that seems removed: *could not read* is
 * never *is gone* (promise P1). One whose name cannot be told speaks for its own team only (promise P8); one whose name
 * looks like a lab's, in other case or with foreign letters, speaks for that lab.
 */
export const unreadableFile: Rule = {
  name: "unreadable-file",
  approvable: true,
  weigh: ({ plan }) => {
    const paths = new Map<string, string>();
    const alike = new Map<string, string>();
    for (const change of plan.changes) {
      const path = namelessOrphan(change);
      if (path !== null && !paths.has(change.team)) paths.set(change.team, path);
      for (const name of namesOfOrphan(change)) alike.set(appearance(name), change.source?.path ?? change.lab);
    }
    return (change) => {
      if (!isDestroyByCommit(change)) return null;
      const path = paths.get(change.team) ?? alike.get(appearance(change.lab));
      if (path === undefined) return null;
      return {
        message: `${path} cannot be read and may be this lab's new file`,
        release: `Fix or remove ${path}, or approve the destroy.`,
      };
    };
  },
};

const namesOfOrphan = ({ operation }: Change): readonly string[] =>
  operation.kind === "none" && operation.orphan !== undefined
    ? operation.orphan.mayBe.filter((name) => !isLabel(name))
    : [];

const namelessOrphan = ({ operation }: Change): string | null => {
  if (operation.kind !== "none" || operation.orphan === undefined) return null;
  const { path, problems } = operation.orphan;
  // What took the place of a team's folder took all of its files, and can be as readable as it likes.
  return isInPlaceOfTeam(path) || problems.length === 0 || problems.some(({ code }) => NAMELESS.has(code))
    ? path
    : null;
};
