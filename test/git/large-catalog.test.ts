import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CatalogEntry } from "../../src/core/types.ts";
import type { BareRepository } from "../../standins/git/repository.ts";
import { type GitServer, startGitServer } from "../git-server.ts";
import { show, workshop } from "./catalogs.ts";

const LABS = 10_000;
/** Without the git program each file takes about half a millisecond. */
const FEW = 500;
const shop = workshop();
let repository: BareRepository & { readonly name: string };
let first: string;
let server: GitServer;

const document = (index: number, ttlHours = 24): string =>
  `apiVersion: labkeeper.dev/v1\nkind: Lab\nmetadata:\n  name: lab-${index}\n  team: team-${index % 40}\n` +
  `  owner: octocat\n  costCenter: sandbox\nspec:\n  profile: simulated\n  ttlHours: ${ttlHours}\n`;
const path = (index: number): string => `labs/team-${index % 40}/lab-${index}.yaml`;

beforeAll(async () => {
  repository = shop.repository("large");
  first = repository.commit(Object.fromEntries([...Array(LABS).keys()].map((i) => [path(i), document(i)])));
  server = await startGitServer(shop.path("."));
});
afterAll(() => server.close());

const digest = (entries: readonly CatalogEntry[]): string => show(entries).join("\n");

describe("a catalog of 10,000 labs", () => {
  it("is the same through git, through isomorphic-git and through http; one change costs one change", async () => {
    const throughGit = shop.catalog(repository.path);
    const alone = shop.catalog(repository.path, { gitCommand: null });
    const remote = shop.catalog(`${server.url}/large.git`);
    expect(await remote.head()).toBe(first);
    const expected = digest((await throughGit.labChanges(null, first)).entries);
    expect(expected.split("\n")).toHaveLength(LABS);
    expect(digest((await remote.labChanges(null, first)).entries)).toBe(expected);
    const few = shop.repository("few");
    const commit = few.commit(Object.fromEntries([...Array(FEW).keys()].map((i) => [path(i), document(i)])));
    expect(digest((await shop.catalog(few.path, { gitCommand: null }).labChanges(null, commit)).entries)).toBe(
      digest((await shop.catalog(few.path).labChanges(null, commit)).entries),
    );

    let before = first;
    for (let turn = 0; turn < 3; turn++) {
      const after = repository.commit({ [path(turn)]: document(turn, 48), [path(5000 + turn)]: null });
      for (const catalog of [throughGit, alone, remote]) {
        expect(await catalog.head()).toBe(after);
        const { entries, complete } = await catalog.labChanges(before, after);
        expect(complete).toBe(false);
        expect(entries.map(({ path, kind }) => [path, kind])).toEqual(
          [
            [path(turn), "file"],
            [path(5000 + turn), "removed"],
          ].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
        );
      }
      before = after;
    }
  }, 60_000);
});
