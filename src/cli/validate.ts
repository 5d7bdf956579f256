import { isAbsolute, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { CatalogSource, Checkout } from "../catalog-ports.ts";
import type { CatalogEntry } from "../core/types.ts";
import type { CatalogContent } from "../core/validate.ts";
import { LabkeeperError } from "../errors.ts";
import type { Edges } from "../wire.ts";
import type { CommandContext, Register } from "./context.ts";
import type { GlobalOptions } from "./program.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly base?: string;
  readonly output: "text" | "json" | "github";
}

interface Wanted {
  readonly path: string;
  readonly ref: string | null;
  readonly base: string | null;
}

/** What is read of a catalog; the profiles that labkeeper ships come on top. */
type Read = Omit<CatalogContent, "shippedProfiles">;

const isThere = (entry: CatalogEntry): boolean => entry.kind !== "removed";

const isSame = (a: CatalogEntry, b: CatalogEntry | undefined): boolean =>
  a.kind === "file" && b?.kind === "file" && Buffer.compare(a.bytes, b.bytes) === 0;

const differ = (now: readonly CatalogEntry[], before: readonly CatalogEntry[]): CatalogEntry[] => {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  return now.filter((entry) => !isSame(entry, old.get(entry.path)));
};

const readFolder = (checkout: Checkout): Read => {
  const labs = checkout.read(checkout.labPaths()).filter(isThere);
  return { policyFiles: checkout.policyFiles(), labs, elsewhere: [], before: [] };
};

/** Only what changed since a commit; everything when the policy that judges the files changed. */
const readChanges = async (edges: Edges, path: string, base: string): Promise<Read> => {
  const checkout = await edges.checkout(path);
  const { changed, before, policyBefore } = await edges.changesSince(path, base);
  const policyFiles = checkout.policyFiles();
  const isPolicySame =
    policyBefore === null ||
    (policyBefore.length === policyFiles.length && differ(policyFiles, policyBefore).length === 0);
  const paths = checkout.labPaths();
  const labs = (changed === null ? differ(checkout.read(paths), before) : checkout.read(changed)).filter(isThere);
  const judged = new Set(labs.map((entry) => entry.path));
  const elsewhere = paths.filter((each) => !judged.has(each));
  const same = new Set(elsewhere);
  const old = before.filter((entry) => !same.has(entry.path));
  if (!isPolicySame) return { ...readFolder(checkout), before: old };
  return { policyFiles, labs, elsewhere, before: old };
};

const readCommit = async (source: CatalogSource, commit: string): Promise<Read> => ({
  policyFiles: await source.policyFiles(commit),
  labs: (await source.labChanges(null, commit)).entries,
  elsewhere: [],
  before: [],
});

/** Two commits compared by what they hold, with the same answer as a checkout of `commit` would give. */
const readCommits = async (source: CatalogSource, commit: string, base: string): Promise<Read> => {
  const all = await readCommit(source, commit);
  const before = (await source.labChanges(commit, base)).entries.filter(isThere);
  const old = await source.policyFiles(base);
  const isPolicySame = old.length === all.policyFiles.length && differ(all.policyFiles, old).length === 0;
  if (!isPolicySame) return { ...all, before };
  const { entries } = await source.labChanges(base, commit);
  const changed = new Set(entries.map(({ path }) => path));
  return {
    ...all,
    labs: entries.filter(isThere),
    elsewhere: all.labs.map(({ path }) => path).filter((path) => !changed.has(path)),
    before,
  };
};

const read = async (edges: Edges, { path, ref, base }: Wanted): Promise<Read> => {
  if (ref === null)
    return base === null ? readFolder(await edges.checkout(path)) : await readChanges(edges, path, base);
  const source = await edges.catalogAt(path, ref);
  const commit = await source.head();
  if (base === null) return await readCommit(source, commit);
  return await readCommits(source, commit, await (await edges.catalogAt(path, base)).head());
};

/** The way from the current folder into the catalog's; "" when it is no folder below. */
const fromHere = (path: string): string => {
  const way = relative(process.cwd(), resolve(path)).replaceAll("\\", "/");
  return way === "" || way.startsWith("..") || isAbsolute(way) ? "" : `${way}/`;
};

const validate = async (context: CommandContext, wanted: Wanted, output: Options["output"]): Promise<void> =>
  withEdges(context, async (edges) => {
    const [{ validateCatalog }, view] = await Promise.all([
      import("../core/validate.ts"),
      import("./views/validation.ts"),
    ]);
    const validation = validateCatalog({ ...(await read(edges, wanted)), shippedProfiles: await edges.profileFiles() });
    if (output === "json") context.out(view.validationJson(validation));
    else if (output === "github") context.out(view.validationGithub(validation, fromHere(wanted.path)));
    else context.out(view.validationText(validation, context.colours));
    if (validation.problems.length > 0) context.exitWith(1);
  });

export const register: Register = (program, context) => {
  program
    .command("validate")
    .description("Check a catalog's files against their schemas, profiles and teams; exit 1 when something is wrong.")
    .argument("[path]", "folder of the catalog (with --ref also a URL)", ".")
    .option(
      "--base <ref>",
      "read only what changed since this branch, tag or commit, and refuse changes of fixed fields",
    )
    .addOption(outputOption("text", "json", "github"))
    .addHelpText(
      "after",
      examples(
        "labkeeper validate",
        "labkeeper validate ./catalog --base origin/main -o github",
        "labkeeper validate ./catalog --ref main",
      ),
    )
    .action(async (path: string, options: Options, command: Command) => {
      const ref = command.optsWithGlobals<GlobalOptions>().ref ?? null;
      if (ref === null && /^https?:/.test(path))
        throw new LabkeeperError("LK7003", `${path} is not a folder`, { remedy: "Say which branch with --ref." });
      await validate(context, { path, ref, base: options.base ?? null }, options.output);
    });
};
