/** Learns the secrets of a labkeeper in another process, whose folders last only as long as it runs. */

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { folderSecrets } from "../src/local/secrets.ts";
import { secretsOf } from "./canary.ts";

export interface Learnt {
  /** Every secret that was ever in a store of secrets below. */
  readonly secrets: ReadonlySet<string>;
  /** What was kept as artifacts, as it was seen last, by path. */
  readonly artifacts: ReadonlyMap<string, string>;
}

/** Milliseconds; a lab's credentials are there as long as the lab. */
const EVERY = 50;

/** Looks into all state folders below a folder, again and again, until it is stopped. */
export function watchedSecrets(folder: string): { stop(): Promise<Learnt> } {
  const secrets = new Set<string>();
  const artifacts = new Map<string, string>();
  const gone = (): null => null;

  const look = async (): Promise<void> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const keyFile of files.filter((path) => path.endsWith("/secrets.key"))) {
      const root = join(dirname(keyFile), "secrets");
      const store = folderSecrets({ root, keyFile });
      const sealed = files.filter((path) => path.startsWith(`${root}/`) && path.endsWith(".sealed"));
      for (const path of sealed) {
        const found = await store.get(relative(root, path).replace(/\.sealed$/, "")).catch(gone);
        if (found !== null) for (const secret of secretsOf(found)) secrets.add(secret);
      }
    }
    for (const path of files.filter((each) => each.includes("/artifacts/"))) {
      const text = await readFile(path, "latin1").catch(gone);
      if (text !== null) artifacts.set(path, text);
    }
  };

  let watching = true;
  const watched = (async () => {
    while (watching) {
      await look();
      await delay(EVERY);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await watched;
      await look();
      return { secrets, artifacts };
    },
  };
}
