import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { loadConfig, neutralEnvironment } from "../../config.ts";
import { LabkeeperError } from "../../errors.ts";
import { packageFile } from "../../package-root.ts";
import type { HistoryWriter } from "../../wire.ts";

/** A folder of its own with a catalog, a state folder and a configuration that nothing outside reaches into. */
export interface Playground {
  readonly root: string;
  readonly catalog: string;
  readonly config: Config;
}

/** Says that a folder was made by the demo and may be removed by it. */
const MARKER = ".labkeeper-demo";

/** Quick looks: on one machine there is no cloud API whose answer lags behind. */
const SETTINGS = `apiVersion: labkeeper.dev/v1
kind: Config
pollSeconds: 2
worker:
  pollSeconds: 1
  observationGapSeconds: 0.2
`;

const open = async (root: string): Promise<Playground> => {
  const catalog = join(root, "catalog");
  const config = await loadConfig({ stateDir: join(root, "state"), catalog }, neutralEnvironment(), root);
  return { root, catalog, config };
};

export const makePlayground = async (): Promise<Playground> => {
  const root = await mkdtemp(join(tmpdir(), "labkeeper-demo-"));
  await writeFile(join(root, MARKER), "Made by `labkeeper demo`.\n");
  await mkdir(join(root, "state"), { mode: 0o700 });
  await writeFile(join(root, "state", "config.yaml"), SETTINGS);
  await cp(packageFile("catalog-example"), join(root, "catalog"), { recursive: true });
  return await open(root);
};

/** A playground that an earlier `demo --keep` left. @throws LK7003 when the folder is anything else */
export const openPlayground = async (folder: string): Promise<Playground> => {
  const root = resolve(folder);
  await access(join(root, MARKER)).catch((cause: unknown) => {
    throw new LabkeeperError("LK7003", `${root} was not made by the demo`, {
      cause,
      remedy: "Name the folder that `labkeeper demo --keep` printed.",
    });
  });
  return await open(root);
};

export const removePlayground = async ({ root }: Playground): Promise<void> => {
  await rm(root, { recursive: true, force: true });
};

/** Lab files of the catalog as repository paths, sorted. */
export const labFiles = async ({ catalog }: Playground): Promise<readonly string[]> => {
  const names = await readdir(join(catalog, "labs"), { recursive: true });
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => `labs/${name.replaceAll("\\", "/")}`)
    .sort();
};

export const labNameOf = (path: string): string => basename(path).replace(/\.ya?ml$/, "");

/** Rewrites one file of the catalog; `edit` must change something. */
export const editFile = async (
  { catalog }: Playground,
  path: string,
  edit: (text: string) => string,
): Promise<void> => {
  const file = join(catalog, path);
  const before = await readFile(file, "utf8");
  const after = edit(before);
  if (after === before) throw new Error(`the demo found nothing to edit in ${path}`);
  await writeFile(file, after);
};

export const AUTHOR = { name: "Demo", email: "demo@labkeeper.invalid" } as const;

/** Puts the catalog under git with its first commit. */
export const startHistory = async ({ catalog }: Playground): Promise<HistoryWriter> => {
  const { demoEdges } = await import("../../wire.ts");
  const { startRepository } = await demoEdges();
  const tree = await startRepository(catalog, AUTHOR);
  await tree.commitAll("Start the catalog");
  return tree;
};
