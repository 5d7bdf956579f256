import { isLabFile } from "../core/lab-path.ts";
import { LabkeeperError } from "../errors.ts";
import type { ChangesSince } from "../ports.ts";
import { labEntries, policyPaths, readEntries } from "./catalog-files.ts";
import { runGit } from "./git-command.ts";
import { findRepository } from "./local-repository.ts";
import { type Objects, openObjects } from "./objects.ts";
import { resolveRef } from "./refs.ts";
import type { Difference, Side } from "./tree-diff.ts";

const PATHS = ["--", "catalog.yaml", "profiles", "labs"];
const KINDS: Readonly<Record<string, Side["kind"]>> = { "120000": "symlink", "160000": "submodule" };

interface Changed {
  readonly path: string;
  /** Null: it was not there. */
  readonly before: Side | null;
  readonly isThere: boolean;
}

/** https://git-scm.com/docs/git-diff (raw output format), NUL-terminated. */
function parseRaw(output: string): Changed[] {
  const fields = output.split("\0");
  const changed: Changed[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [mode = "", , oid = "", , status = ""] = (fields[at] ?? "").slice(1).split(" ");
    const before = /^0+$/.test(mode) ? null : { kind: KINDS[mode] ?? ("file" as const), oid };
    changed.push({ path: fields[at + 1] ?? "", before, isThere: status !== "D" });
  }
  return changed;
}

async function output(command: string, folder: string, args: readonly string[]): Promise<string | null> {
  const result = await runGit(command, { args, cwd: folder });
  return result.kind === "ended" && result.code === 0 ? result.stdout.toString("utf8") : null;
}

/**
 * What git itself says of the checkout: it knows from file times what need not be read, which takes 20 ms for 10,000
 * files. Null when git is not there or refuses. The comparison starts where the branch left the base, so that what
 * others merged meanwhile is not taken for a change of this branch; a shallow clone may not know that place.
 */
async function askGit(command: string, folder: string, base: string): Promise<Changed[] | null> {
  const diff = ["diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"];
  const [raw, untracked] = await Promise.all([
    output(command, folder, [...diff, "--merge-base", base, ...PATHS]),
    output(command, folder, ["ls-files", "-z", "--others", "--exclude-standard", ...PATHS]),
  ]);
  const differences = raw ?? (await output(command, folder, [...diff, base, ...PATHS]));
  if (differences === null || untracked === null) return null;
  const added = untracked.split("\0").filter((path) => path !== "");
  return [...parseRaw(differences), ...added.map((path) => ({ path, before: null, isThere: true }))];
}

/**
 * How the checkout in a folder differs from a commit of its repository. Rejects with LK1002 when the folder is no
 * repository's top, LK1003 when there is no such ref, LK1004 when an object cannot be read.
 */
export async function changesSince(
  folder: string,
  base: string,
  gitCommand: string | null = "git",
): Promise<ChangesSince> {
  if (base.startsWith("-"))
    throw new LabkeeperError("LK1003", `"${base.slice(0, 100)}" is not a name that a branch can have`);
  const repository = await findRepository(folder);
  const objects = openObjects({ gitdir: repository.common, gitCommand });
  const changes = gitCommand === null ? null : await askGit(gitCommand, folder, base);
  if (changes === null) return await everything(objects, await objects.peel(await resolveRef(repository, base)));
  const labs = changes.filter(({ path }) => isLabFile(path));
  const isPolicyChanged = changes.some(({ path }) => !path.startsWith("labs/"));
  return {
    changed: labs.filter(({ isThere }) => isThere).map(({ path }) => path),
    before: await readEntries(
      objects,
      labs.flatMap(({ path, before }): Difference[] =>
        before === null ? [] : [{ path, before: null, after: before }],
      ),
    ),
    policyBefore: isPolicyChanged ? [] : null,
  };
}

/** Without git, the commit's contents, for the caller to compare. */
async function everything(objects: Objects, commit: string): Promise<ChangesSince> {
  const { tree } = await objects.commit(commit);
  const { differences } = await policyPaths(objects, tree);
  return {
    changed: null,
    before: await labEntries(objects, null, tree),
    policyBefore: await readEntries(objects, await differences()),
  };
}
