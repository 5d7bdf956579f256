import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { loadConfig, neutralEnvironment } from "../../config.ts";
import { LabkeeperError } from "../../errors.ts";
import { packageFile } from "../../package-root.ts";
import type { HistoryWriter, StandInGithub } from "../../wire-demo.ts";

/** A folder of its own with a catalog, a state folder and a configuration that nothing outside reaches into. */
export interface Playground {
  readonly root: string;
  /** The catalog's folder: a working tree, or the bare repository that what stands in for GitHub serves. */
  readonly catalog: string;
  readonly config: Config;
}

/** Whose repository it is at what stands in for GitHub; the example's teams are of that organization. */
const OWNER = "example";
const NAME = "labs";
/** The owners of the example's labs. */
const PEOPLE = ["octocat", "hubot"];

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

const stateOf = (root: string): string => join(root, "state");

const hostedAt = (root: string): string => join(root, "github");

const open = async (root: string): Promise<Playground> => {
  const served = join(hostedAt(root), OWNER, `${NAME}.git`);
  const hosted = await access(served).then(
    () => true,
    () => false,
  );
  const catalog = hosted ? served : join(root, "catalog");
  const config = await loadConfig({ stateDir: stateOf(root), catalog }, neutralEnvironment(), root);
  return { root, catalog, config };
};

export const makePlayground = async (): Promise<Playground> => {
  const root = await mkdtemp(join(tmpdir(), "labkeeper-demo-"));
  await writeFile(join(root, MARKER), "Made by `labkeeper demo`.\n");
  await mkdir(stateOf(root), { mode: 0o700 });
  await writeFile(join(stateOf(root), "config.yaml"), SETTINGS);
  return await open(root);
};

export interface Hosted {
  readonly playground: Playground;
  readonly github: StandInGithub;
  /** The example's labs, which the repository does not have yet: repository path → text. */
  readonly labs: Readonly<Record<string, string>>;
}

/**
 * Serves the example as a repository without labs from what stands in for GitHub, and configures labkeeper as its App.
 * Null where that cannot be had.
 */
export const hostCatalog = async ({ root }: Playground): Promise<Hosted | null> => {
  const { startStandInGithub } = await import("../../wire-demo.ts");
  const example = packageFile("catalog-example");
  const names = (await readdir(example, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(example, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(example, name), "utf8")] as const),
  );
  const isLab = ([name]: readonly [string, string]): boolean => name.startsWith("labs/");
  const folder = hostedAt(root);
  await mkdir(folder);
  const rest = Object.fromEntries(files.filter((file) => !isLab(file)));
  const github = await startStandInGithub({ folder, owner: OWNER, name: NAME, files: rest });
  if (github === null) {
    await rm(folder, { recursive: true });
    return null;
  }
  const environment = {
    ...neutralEnvironment(),
    GITHUB_API_URL: github.apiUrl,
    LABKEEPER_GITHUB_APP_ID: String(github.app.id),
    LABKEEPER_GITHUB_PRIVATE_KEY: github.app.privateKey,
  };
  const config = await loadConfig({ stateDir: stateOf(root), catalog: github.cloneUrl }, environment, root);
  for (const login of PEOPLE) github.setPermission(login, "write");
  const { catalog } = await open(root);
  return { playground: { root, catalog, config }, github, labs: Object.fromEntries(files.filter(isLab)) };
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

/** Copies the example and puts it under git with its first commit. */
export const startHistory = async ({ catalog }: Playground): Promise<HistoryWriter> => {
  const { demoEdges } = await import("../../wire-demo.ts");
  await cp(packageFile("catalog-example"), catalog, { recursive: true });
  const { startRepository } = await demoEdges();
  const tree = await startRepository(catalog, AUTHOR);
  await tree.commitAll("Start the catalog");
  return tree;
};
