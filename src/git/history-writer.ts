import fs from "node:fs";
import git from "isomorphic-git";

export interface HistoryWriter {
  /** Commits every difference between the folder and the last commit; answers the new commit. */
  commitAll(message: string): Promise<string>;
}

/** What a row of the status matrix says of the working tree, in its third column. */
const GONE = 0;
const DIFFERS = 2;

/** Makes a repository in a folder, without needing a git program, and commits what is in it as `author`. */
export async function startRepository(
  folder: string,
  author: { readonly name: string; readonly email: string },
  branch = "main",
): Promise<HistoryWriter> {
  const place = { fs, dir: folder };
  await git.init({ ...place, defaultBranch: branch });
  return {
    commitAll: async (message) => {
      for (const [filepath, , workingTree] of await git.statusMatrix(place)) {
        if (workingTree === GONE) await git.remove({ ...place, filepath });
        if (workingTree === DIFFERS) await git.add({ ...place, filepath });
      }
      return await git.commit({ ...place, message, author });
    },
  };
}
