import type { Command } from "commander";
import type { CatalogEntry, CatalogPolicy } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Edges } from "../wire.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly write?: string | true;
}

/** The profiles and teams to write schemas for: those of the catalog in the folder, where it is one. */
const readPolicies = async (
  edges: Edges,
  folder: string,
): Promise<{ readonly profiles: CatalogPolicy["profiles"]; readonly teams: readonly string[] | null }> => {
  const { readPolicy, readProfiles } = await import("../core/policy.ts");
  const own: readonly CatalogEntry[] = (await edges.checkout(folder)).policyFiles();
  const shipped = await edges.profileFiles();
  const { policy } = readPolicy(own, shipped);
  return {
    profiles: readProfiles([...own], shipped).usable,
    teams: policy === null ? null : [...policy.teams.keys()],
  };
};

const asText = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;

const print = async (context: CommandContext, name: string | undefined): Promise<void> =>
  withEdges(context, async (edges) => {
    const { profiles, teams } = await readPolicies(edges, ".");
    const { compileCatalog, compileProfile } = await import("../core/profile-schema.ts");
    if (name === undefined) {
      context.out(asText(compileCatalog(profiles.values(), teams)));
      return;
    }
    const profile = profiles.get(name);
    if (profile === undefined) {
      const { didYouMean } = await import("../core/did-you-mean.ts");
      const near = didYouMean(name, profiles.keys());
      const remedy =
        near === null ? `Profiles are ${[...profiles.keys()].sort().join(", ")}.` : `Did you mean ${near}?`;
      throw new LabkeeperError("LK2101", JSON.stringify(name), { remedy });
    }
    context.out(asText(compileProfile(profile)));
  });

const write = async (context: CommandContext, folder: string): Promise<void> =>
  withEdges(context, async (edges) => {
    const { profiles, teams } = await readPolicies(edges, folder);
    const [{ compileCatalog }, { catalogSchema, profileSchema }] = await Promise.all([
      import("../core/profile-schema.ts"),
      import("../core/schema-validators.ts"),
    ]);
    const changed = await edges.writeEditorFiles(folder, {
      lab: asText(compileCatalog(profiles.values(), teams)),
      catalog: asText(catalogSchema),
      profile: asText(profileSchema),
    });
    for (const path of changed) context.out(`wrote ${path}`);
    if (changed.length === 0) context.out("schemas are up to date");
  });

export const register: Register = (program, context) => {
  program
    .command("schema")
    .description("Print the JSON Schema of a profile's lab files, or write schemas where editors find them.")
    .argument("[profile]", "name of a profile (default: one schema for all profiles)")
    .option("--write [folder]", "write schemas and editor settings into a catalog (default: this folder)")
    .addHelpText(
      "after",
      examples("labkeeper schema aws-minimal-test", "labkeeper schema --write", "labkeeper schema --write ./catalog"),
    )
    .action(async (profile: string | undefined, options: Options, command: Command) => {
      if (options.write === undefined) {
        await print(context, profile);
        return;
      }
      // `--write FOLDER` takes the folder, so what is left over is one word too many.
      if (profile !== undefined) command.error("error: --write writes the schemas of all profiles; name no profile");
      await write(context, options.write === true ? "." : options.write);
    });
};
