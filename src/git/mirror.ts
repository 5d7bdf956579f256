import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import git, { type HttpClient } from "isomorphic-git";
import { LabkeeperError } from "../errors.ts";
import { madeFolder } from "../made-folder.ts";
import { atomicFs, writeAtomic } from "./atomic-fs.ts";
import { readText } from "./local-repository.ts";
import { type Objects, openObjects } from "./objects.ts";

/**
 * The copy of a remote catalog in the state folder: `catalog/<hash of the URL>/` holds generations (`g-…`, each a
 * bare repository) and `current`, the name of the one in use. A clone is made in a new generation and then named in
 * `current` by one rename, so an interrupted clone is never seen, and processes that share the folder never wait for
 * each other: packs, named by content, also appear by rename.
 */
export interface Mirror {
  /** The generation in use; null when there is none yet. */
  current(): Promise<Generation | null>;
  /** Makes a new generation from the remote and puts it in use; `commit` is what the ref named. */
  clone(http: HttpClient, ref: string, history: "recent" | "all"): Promise<Cloned>;
  /** Adds what is new; answers the commit that the ref named. */
  fetch(http: HttpClient, generation: Generation, ref: string): Promise<string>;
  /** As `fetch`, for a ref that stands beside the catalog's own: later fetches still start from that. */
  fetchBeside(http: HttpClient, generation: Generation, ref: string): Promise<string>;
}

export interface Cloned {
  readonly generation: Generation;
  readonly commit: string;
}

export interface Generation {
  readonly gitdir: string;
  readonly objects: Objects;
  /** The commits below which no history was fetched. */
  shallow(): Promise<ReadonlySet<string>>;
  packs(): Promise<number>;
}

/** Enough history for the last trusted commit to be in it nearly always; older ones cost a clone with all of it. */
const RECENT_COMMITS = 200;
/** What we have is told to the server by this ref. */
const HAVE = "refs/labkeeper/head";
/** Unused generations may still be read by another process for a while. */
const KEEP_UNUSED_MS = 60 * 60 * 1000;

export function openMirror(stateDir: string, url: string, gitCommand: string | null): Mirror {
  const home = join(stateDir, "catalog", createHash("sha256").update(url).digest("hex").slice(0, 16));
  let open: { readonly name: string; readonly generation: Generation } | null = null;

  const openGeneration = (name: string): Generation => {
    if (open?.name === name) return open.generation;
    const gitdir = join(home, name);
    open = { name, generation: generation(gitdir, gitCommand) };
    return open.generation;
  };

  const fetchBeside = async (http: HttpClient, { gitdir, objects }: Generation, ref: string, depth?: number) => {
    const options = { fs: atomicFs, http, gitdir, url, remote: "origin", ref: HAVE, remoteRef: ref };
    try {
      const fetched = await git.fetch({ ...options, singleBranch: true, tags: false, ...(depth ? { depth } : {}) });
      if (fetched.fetchHead === null) throw new LabkeeperError("LK1003", "the repository has no commits yet");
      const commit = await objects.peel(fetched.fetchHead);
      await objects.tree((await objects.commit(commit)).tree);
      return commit;
    } catch (cause) {
      if (cause instanceof LabkeeperError) throw cause;
      throw new LabkeeperError("LK1001", `${url} cannot be fetched`, { cause });
    }
  };

  const download = async (http: HttpClient, generation: Generation, ref: string, depth?: number) => {
    const commit = await fetchBeside(http, generation, ref, depth);
    await writeAtomic(join(generation.gitdir, HAVE), `${commit}\n`);
    return commit;
  };

  return {
    async current() {
      const name = await currentName(home);
      if (name === null || (await readText(join(home, name, "config"))) === null) return null;
      return openGeneration(name);
    },
    async clone(http, ref, history) {
      const name = `g-${randomBytes(8).toString("hex")}`;
      const gitdir = join(home, name);
      try {
        await initialise(gitdir, url);
        const made = generation(gitdir, gitCommand);
        const commit = await download(http, made, ref, history === "recent" ? RECENT_COMMITS : undefined);
        const former = await currentName(home);
        await writeAtomic(join(home, "current"), `${name}\n`);
        // From now on it is unused: somebody may be reading it this moment.
        if (former !== null) await utimes(join(home, former), new Date(), new Date()).catch(() => undefined);
        open = { name, generation: made };
        await sweep(home, name);
        return { generation: made, commit };
      } catch (error) {
        await rm(gitdir, { recursive: true, force: true });
        throw error;
      }
    },
    fetch: (http, generation, ref) => download(http, generation, ref),
    fetchBeside: (http, generation, ref) => fetchBeside(http, generation, ref),
  };
}

async function currentName(home: string): Promise<string | null> {
  const name = (await readText(join(home, "current")))?.trim() ?? "";
  return /^g-[0-9a-f]+$/.test(name) ? name : null;
}

function generation(gitdir: string, gitCommand: string | null): Generation {
  return {
    gitdir,
    objects: openObjects({ gitdir, gitCommand }),
    async shallow() {
      const text = (await readText(join(gitdir, "shallow"))) ?? "";
      return new Set(text.split("\n").filter((line) => line !== ""));
    },
    async packs() {
      return (await readdir(join(gitdir, "objects", "pack"))).filter((name) => name.endsWith(".pack")).length;
    },
  };
}

/** The refspec matches nothing: isomorphic-git would move refs before their objects are there. */
async function initialise(gitdir: string, url: string): Promise<void> {
  await madeFolder(join(gitdir, "objects", "pack"), 0o700);
  await mkdir(join(gitdir, "refs", "labkeeper"), { recursive: true });
  await writeAtomic(join(gitdir, "HEAD"), `ref: ${HAVE}\n`);
  await writeAtomic(
    join(gitdir, "config"),
    `[core]\n\trepositoryformatversion = 0\n\tbare = true\n[remote "origin"]\n\turl = ${url}\n` +
      "\tfetch = +refs/labkeeper/none:refs/labkeeper/none\n",
  );
}

/** Removes generations that nobody can still be reading. What cannot be removed is left for the next time. */
async function sweep(home: string, keep: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name === keep || !name.startsWith("g-")) continue;
    const folder = join(home, name);
    const unusedFor = Date.now() - ((await stat(folder).catch(() => null))?.mtimeMs ?? Date.now());
    if (unusedFor > KEEP_UNUSED_MS) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
