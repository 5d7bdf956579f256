import { isAbsolute, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { CatalogSource } from "../catalog-ports.ts";
import { type CatalogRead, changesIn, isSamePolicy, isThere, readChanges, readCheckout } from "../checkout-changes.ts";
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

const readCommit = async (source: CatalogSource, commit: string): Promise<CatalogRead> => ({
  policyFiles: await source.policyFiles(commit),
  labs: (await source.labChanges(null, commit)).entries,
  elsewhere: [],
  before: [],
});

/** Two commits compared by what they hold, with the same answer as a checkout of `commit` would give. */
const readCommits = async (source: CatalogSource, commit: string, base: string): Promise<CatalogRead> => {
  const all = await readCommit(source, commit);
  const before = (await source.labChanges(commit, base)).entries.filter(isThere);
  const old = await source.policyFiles(base);
  if (!isSamePolicy(all.policyFiles, old)) return { ...all, before };
  const { entries } = await source.labChanges(base, commit);
  const changed = new Set(entries.map(({ path }) => path));
  return {
    ...all,
    labs: entries.filter(isThere),
    elsewhere: all.labs.map(({ path }) => path).filter((path) => !changed.has(path)),
    before,
  };
};

const read = async (edges: Edges, { path, ref, base }: Wanted): Promise<CatalogRead> => {
  if (ref === null)
    return base === null ? readCheckout(await edges.checkout(path)) : readChanges(await changesIn(edges, path, base));
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
