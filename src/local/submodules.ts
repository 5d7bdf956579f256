import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/**
 * The paths below a catalog's folder that `.gitmodules` names, relative to it. The file stands at the top of the
 * repository, which may be a folder above. None when there is no such file or it cannot be read: git warns of that.
 * https://git-scm.com/docs/gitmodules
 */
export function submodulePaths(folder: string): ReadonlySet<string> {
  const bottom = realpathSync(folder);
  let top = bottom;
  while (!isTop(top) && dirname(top) !== top) top = dirname(top);
  if (!isTop(top)) top = bottom;
  const paths = [...textOf(join(top, ".gitmodules")).matchAll(/^[ \t]*path[ \t]*=[ \t]*"?([^"\r\n]*?)"?[ \t]*$/gim)];
  return new Set(
    paths
      .map(([, path = ""]) => relative(bottom, resolve(top, path)).split(sep).join("/"))
      .filter((path) => path !== ""),
  );
}

const isTop = (folder: string): boolean => existsSync(join(folder, ".git"));

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
