/** Checkouts that have less than the action needs: it goes on where git can fetch the rest, and else fails and plans nothing. */

import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRepository, git, temporaryFolder } from "../../standins/git/repository.ts";
import { CATALOG, labText } from "../documents/samples.ts";
import { commandsIn, step } from "./runner.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

let count = 0;

/** As `actions/checkout` leaves a pull request's merge with `fetch-depth: 2` and its input `filter` or `sparse-checkout`. */
function checkedOut({ filter, sparse = [] }: { readonly filter?: string; readonly sparse?: readonly string[] }) {
  const name = `partial-${++count}`;
  const repository = createRepository(join(folder.path, `${name}.git`));
  const lab = (lab: string) => labText({ "test-01": lab });
  const before = { "labs/team-a/kept.yaml": lab("kept"), "labs/team-a/removed.yaml": lab("removed") };
  const base = repository.commit({ "catalog.yaml": CATALOG, ...before });
  const change = { "labs/team-a/added.yaml": lab("added"), "labs/team-a/removed.yaml": null };
  const head = repository.commit(change, { branch: "topic", from: base });
  const merge = repository.commit(change, { branch: "merge", from: base, merge: head });
  for (const setting of ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"])
    repository.git(["config", setting, "true"]);
  repository.git(["update-ref", "refs/pull/1/merge", merge]);
  const workspace = join(folder.path, `${name}-checkout`);
  git(folder.path, ["init", "--quiet", "--template=", workspace]);
  git(workspace, ["remote", "add", "origin", `file://${repository.path}`]);
  if (sparse.length > 0) git(workspace, ["sparse-checkout", "set", "--no-cone", ...sparse]);
  const filtered = filter === undefined ? [] : [`--filter=${filter}`];
  const ref = "refs/remotes/pull/1/merge";
  git(workspace, ["fetch", "--quiet", "--no-tags", "--depth=2", ...filtered, "origin", `+refs/pull/1/merge:${ref}`]);
  git(workspace, ["checkout", "--quiet", "--force", ref]);
  const event = { pull_request: { base: { sha: base }, head: { sha: head } } };
  /** From here on git reaches it no more, as without credentials. */
  const unreachable = (): void => renameSync(repository.path, `${repository.path}.away`);
  return { workspace, event, unreachable };
}

const WHOLE = "Plan: 1 to create, 0 to update, 1 to destroy, 1 unchanged.";

test.each([
  ["without the contents of the base, which git fetches", { filter: "blob:none" }],
  ["with the catalog's own paths alone", { sparse: ["/catalog.yaml", "/profiles/", "/labs/"] }],
])("a checkout %s", async (_, how) => {
  const { workspace, event } = checkedOut(how);
  const result = await step({ workspace, event });
  expect(result).toMatchObject({ code: 0, errors: "" });
  expect(result.log).toContain(WHOLE);
});

test.each([
  ["contents of the base that cannot be fetched any more", "blob:none", "LK1004"],
  ["no folders of the base", "tree:0", "LK1003"],
])("a checkout with %s fails, and plans nothing", async (_, filter, code) => {
  const { workspace, event, unreachable } = checkedOut({ filter });
  unreachable();
  const result = await step({ workspace, event });
  expect(result).toMatchObject({ code: 1, outputs: {} });
  expect(commandsIn(result.log)).toMatchObject([{ name: "error", properties: { title: code } }]);
});

test("a checkout without catalog.yaml plans nothing, least of all that labs go", async () => {
  const { workspace, event } = checkedOut({ sparse: ["/labs/"] });
  const result = await step({ workspace, event });
  expect(result.code).toBe(1);
  expect(commandsIn(result.log)).toMatchObject([{ properties: { file: "catalog.yaml", title: "LK2301" } }]);
  expect(result.log).toContain("Plan: 0 to create, 0 to update, 0 to destroy, 0 unchanged, 1 problem.");
});

test("a checkout without some of the labs takes none of them for removed", async () => {
  const { workspace, event } = checkedOut({ sparse: ["/catalog.yaml", "/labs/team-a/added.yaml"] });
  const result = await step({ workspace, event });
  expect(result.log).toContain("1 to create");
  expect(result.log).not.toContain("2 to destroy");
});
