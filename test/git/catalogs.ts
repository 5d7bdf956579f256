import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { CatalogEntry } from "../../src/core/types.ts";
import { type CatalogOptions, openCatalog } from "../../src/git/open-catalog.ts";
import { type BareRepository, createRepository, temporaryFolder } from "../../standins/git/repository.ts";

export const lab = (name: string, ttlHours = 24): string => `name: ${name}\nttlHours: ${ttlHours}\n`;

/** Entries as one line each: what a test compares. */
export const show = (entries: readonly CatalogEntry[]): string[] =>
  entries.map((entry) => {
    if (entry.kind === "removed") return `${entry.path} removed`;
    if (entry.kind === "refused") return `${entry.path} refused ${entry.why}`;
    return `${entry.path} ${Buffer.from(entry.bytes).toString("utf8").split("\n").join("|")}`;
  });

/** A folder for one test file, with repositories and a state folder of its own per catalog. */
export function workshop() {
  let folder: ReturnType<typeof temporaryFolder>;
  let count = 0;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());
  return {
    path: (name: string): string => join(folder.path, name),
    repository(name = `r${++count}`): BareRepository & { readonly name: string } {
      return { ...createRepository(join(folder.path, `${name}.git`)), name };
    },
    stateDir: (): string => join(folder.path, `state${++count}`),
    catalog(url: string, options: Partial<CatalogOptions> = {}): ReturnType<typeof openCatalog> {
      return openCatalog({ url, stateDir: join(folder.path, `state${++count}`), ...options });
    },
  };
}
