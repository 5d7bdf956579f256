import { lstat, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { LabkeeperError } from "../errors.ts";

/** The texts of the schemas that a catalog's files obey. */
export interface EditorSchemas {
  readonly lab: string;
  readonly catalog: string;
  readonly profile: string;
}

const FOLDER = ".labkeeper/schemas";
const SETTINGS = ".vscode/settings.json";

/** Which files each schema is for, as the YAML language server's `yaml.schemas` wants it. */
const MAPPING: Readonly<Record<string, readonly string[]>> = {
  [`./${FOLDER}/lab.schema.json`]: ["labs/**/*.yaml", "labs/**/*.yml"],
  [`./${FOLDER}/catalog.schema.json`]: ["catalog.yaml"],
  [`./${FOLDER}/profile.schema.json`]: ["profiles/*.yaml", "profiles/*.yml"],
};

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** Null when there is no such file. A link is refused: writing through it would change something outside the catalog. */
const readText = async (path: string): Promise<string | null> => {
  try {
    if ((await lstat(path)).isSymbolicLink()) throw new LabkeeperError("LK7003", `${path} is a symbolic link`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return null;
    if (cause instanceof LabkeeperError) throw cause;
    throw new LabkeeperError("LK7003", path, { cause });
  }
};

const refuseLinkedFolder = async (folder: string): Promise<void> => {
  const found = await lstat(folder).catch(() => null);
  if (found?.isSymbolicLink() === true) throw new LabkeeperError("LK7003", `${folder} is a symbolic link`);
};

const settingsObject = (text: string | null, path: string): Record<string, unknown> => {
  if (text === null || text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below: editors allow comments there, and writing the file anew would lose them.
  }
  throw new LabkeeperError("LK7003", `${path} is not plain JSON, so it is left as it is`, {
    remedy: `Add this to it: ${JSON.stringify({ "yaml.schemas": MAPPING })}`,
  });
};

/** The settings with our mapping in them and everything else as it was. */
const withMapping = (text: string | null, path: string): string => {
  const settings = settingsObject(text, path);
  const present = settings["yaml.schemas"];
  const others = typeof present === "object" && present !== null && !Array.isArray(present) ? present : {};
  const wanted = { ...settings, "yaml.schemas": { ...others, ...MAPPING } };
  return text !== null && JSON.stringify(wanted) === JSON.stringify(settings)
    ? text
    : `${JSON.stringify(wanted, null, 2)}\n`;
};

/**
 * Writes the schemas into a catalog and tells editors about them (`yaml.schemas`, read by the YAML language server of
 * VS Code and others). Settings that are there stay. Answers the paths, relative to the folder, that changed; a second
 * run changes none. Throws LK7003 when something cannot be read or written, before anything is changed if possible.
 */
export async function writeEditorFiles(folder: string, schemas: EditorSchemas): Promise<readonly string[]> {
  const root = resolve(folder);
  for (const parent of [".labkeeper", FOLDER, ".vscode"]) await refuseLinkedFolder(join(root, parent));
  const settings = await readText(join(root, SETTINGS));
  const wanted = [
    ...Object.entries(schemas).map(([name, text]) => [`${FOLDER}/${name}.schema.json`, text] as const),
    [SETTINGS, withMapping(settings, join(root, SETTINGS))] as const,
  ];
  const changed: string[] = [];
  for (const [path, text] of wanted) {
    const full = join(root, path);
    if ((await readText(full)) === text) continue;
    try {
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, text);
    } catch (cause) {
      throw new LabkeeperError("LK7003", full, { cause });
    }
    changed.push(path);
  }
  return changed;
}
