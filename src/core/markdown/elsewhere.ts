import { code } from "./code.ts";
import { marked, md } from "./text.ts";

/** The answer to a command on a pull request that goes to another branch than the catalog's. */
export const elsewhereMarkdown = (base: string, branch: string, marker: string): string =>
  marked(
    marker,
    md`This pull request goes to ${code(base)}. Labs follow ${code(branch)}, and commands are taken on pull requests that go there: nothing was done.`,
  );
