import { readFileSync, realpathSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Json } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new LabkeeperError("LK7003", `there is no folder ${path}`, { cause });
  }
};

/** A folder of the workspace, and the way to it: "" or a path that ends in a slash. */
export interface Place {
  readonly folder: string;
  readonly way: string;
}

/**
 * Finds a folder that an input names. What a checkout holds decides what lies behind a link, so a folder that leads out
 * of the workspace is refused (LK7003).
 */
export const inWorkspace = (workspace: string, path: string): Place => {
  const folder = real(resolve(workspace, path));
  const way = relative(real(workspace), folder);
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new LabkeeperError("LK7003", `${path} is not inside the workspace`);
  return { folder, way: way === "" ? "" : `${way.split(sep).join("/")}/` };
};

/** The event that started the workflow; null when there is none, as outside GitHub. Throws LK7003 when it cannot be read. */
export const readEventFile = (path: string | undefined): Json => {
  if (path === undefined || path === "") return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Json;
  } catch (cause) {
    throw new LabkeeperError("LK7003", "the event of GITHUB_EVENT_PATH", { cause });
  }
};
