import { plain } from "./problem.ts";

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** What a lab file's path says. */
export interface LabPath {
  /** The folder under `labs/`. What stands there itself may be such a folder in disguise (a link, a submodule). */
  readonly team: string;
  /** The file's name without its ending. */
  readonly name: string;
  /** Why the path cannot be a lab's; null when it can. */
  readonly refused: string | null;
}

/** Whether a text is a DNS label, as names of labs and teams are. */
export const isLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text);

const refusal = (folders: readonly string[], file: string, name: string): string | null => {
  if (!/\.ya?ml$/.test(file)) return `${plain(file)} does not end in .yaml`;
  if (folders.length !== 1)
    return folders.length === 0 ? "it is in no team's folder" : "it is in a folder below its team's";
  const [team = ""] = folders;
  if (!isLabel(team)) return `folder ${plain(team)} is not a DNS label`;
  return isLabel(name) ? null : `file name ${plain(name)} is not a DNS label`;
};

/** The name that a path gives its lab: the file's, without its ending. */
export const labNameOf = (path: string): string => {
  const start = path.lastIndexOf("/") + 1;
  const end = path.lastIndexOf(".");
  return path.slice(start, end < start ? undefined : end);
};

/** Reads `labs/TEAM/NAME.yaml` (or `.yml`). */
export const readLabPath = (path: string): LabPath => {
  const [, ...rest] = path.split("/");
  const file = rest.pop() ?? "";
  const name = labNameOf(file);
  return { team: rest[0] ?? name, name, refused: refusal(rest, file, name) };
};

/** Whether a path stands directly under `labs/`, where only the folders of teams may: `labs/TEAM`, `labs/NAME.yaml`. */
export const isInPlaceOfTeam = (path: string): boolean => path.split("/").length === 2;

/**
 * Whether a path stands for a lab: everything under `labs/` but Markdown and files whose name starts with a dot
 * (`README.md`, `.gitkeep`). What is left and has an odd name is refused rather than overlooked.
 */
export const isLabFile = (path: string): boolean => path.startsWith("labs/") && !/(?:\.md|\/\.[^/]*)$/i.test(path);
