import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { LabkeeperError } from "../errors.ts";

export interface RepositoryFolders {
  /** Holds HEAD; differs from `common` in a worktree made by `git worktree`. */
  readonly gitdir: string;
  /** Holds objects and branches. */
  readonly common: string;
}

/**
 * Finds the repository of a path: a checkout, a worktree or a bare repository. Never looks in parent folders, which
 * could be somebody else's. Rejects with LK1002 when it is no repository or one of a format that is not read, and with
 * LK1001 when it may not be looked at.
 */
export async function findRepository(path: string): Promise<RepositoryFolders> {
  const folder = resolve(path);
  if (!(await isFolder(folder))) throw new LabkeeperError("LK1002", `there is no folder ${folder}`);
  const gitdir = await gitdirOf(folder);
  const common = resolve(gitdir, ((await readText(`${gitdir}/commondir`)) ?? ".").trim());
  if ((await readText(`${gitdir}/HEAD`)) === null || !(await isFolder(`${common}/objects`))) {
    throw new LabkeeperError("LK1002", `${folder} holds no git repository`);
  }
  await refuseOtherFormats(common);
  return { gitdir, common };
}

/**
 * The repository that a folder is part of, and the folder's place in it: "" or a path that ends in a slash. Looks in
 * the folders above too, as git does; rejects like `findRepository`.
 */
export async function enclosingRepository(
  folder: string,
): Promise<{ readonly repository: RepositoryFolders; readonly prefix: string }> {
  let top = await realpath(folder).catch(() => resolve(folder));
  const bottom = top;
  while (!(await exists(join(top, ".git"))) && dirname(top) !== top) top = dirname(top);
  const inside = relative(top, bottom);
  if (!(await exists(join(top, ".git")))) throw new LabkeeperError("LK1002", `${bottom} is in no git repository`);
  return { repository: await findRepository(top), prefix: inside === "" ? "" : `${inside.split(sep).join("/")}/` };
}

const exists = async (path: string): Promise<boolean> => (await isFolder(path)) || (await readText(path)) !== null;

async function gitdirOf(folder: string): Promise<string> {
  const dotGit = resolve(folder, ".git");
  if (await isFolder(dotGit)) return dotGit;
  const pointer = await readText(dotGit);
  if (pointer === null) return folder;
  const target = /^gitdir: (.+)$/m.exec(pointer)?.[1];
  if (target === undefined) throw new LabkeeperError("LK1002", `${dotGit} does not name a git folder`);
  return resolve(folder, target);
}

/** https://git-scm.com/docs/repository-version (extensions) */
async function refuseOtherFormats(common: string): Promise<void> {
  const config = (await readText(`${common}/config`)) ?? "";
  for (const [extension, plain] of [
    ["objectformat", "sha1"],
    ["refstorage", "files"],
  ] as const) {
    const value = new RegExp(`^[ \\t]*${extension}[ \\t]*=[ \\t]*"?(\\w+)`, "im").exec(config)?.[1]?.toLowerCase();
    if (value !== undefined && value !== plain) {
      throw new LabkeeperError("LK1002", `the repository's ${extension} is ${value}; only ${plain} is read`, {
        remedy: `Give an http(s) URL, or a clone with ${extension} ${plain}.`,
      });
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    return missing(path, error, false);
  }
}

/** Null when there is no such file. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    return missing(path, error, null);
  }
}

function missing<T>(path: string, error: unknown, answer: T): T {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return answer;
  throw new LabkeeperError("LK1001", `${path} cannot be read (${String(code)})`, {
    cause: error,
    remedy: "Give this user the right to read the repository; labs stay as they are until it can be read.",
  });
}
