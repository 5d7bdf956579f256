import { load as loadYaml } from "js-yaml";
import { readPolicy } from "../src/core/policy.ts";
import { compileSchema, labSchema } from "../src/core/schema-validators.ts";
import type { CatalogEntry } from "../src/core/types.ts";
import { validateCatalog } from "../src/core/validate.ts";
import { profileFolder } from "../src/local/profiles.ts";
import { packageFile } from "../src/package-root.ts";
import { catalogFiles } from "./catalog.ts";
import { median, type Report } from "./figures.ts";
import { sample, timed } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

/**
 * Reading and judging lab files in one process, without a disk: ours, which finds every problem with its place and
 * knows profiles, teams and catalog rules, beside the least that could be called validation. Ours runs between two
 * runs of the other, so that both meet the same machine.
 */
export async function benchValidate(_workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  for (const labs of settings.labs) {
    report.step(`validate: ${labs} files in memory`);
    const { policyFiles, files } = entriesOf(labs);
    const content = { policyFiles, shippedProfiles, labs: files, elsewhere: [], before: [] };
    if (readPolicy(policyFiles, shippedProfiles).policy === null) throw new Error("the catalog's policy is refused");
    const bare = compileSchema(labSchema);
    const runs = await sample(settings, async () => {
      const ours = await timed(() => validateCatalog(content));
      if (ours.result.problems.length > 0) throw new Error(`${ours.result.problems[0]?.message}`);
      const theirs = await timed(() => files.every((file) => bare(loadYaml(textOf(file)))));
      if (!theirs.result) throw new Error("the bare loop refuses a file");
      return { ours: (labs / ours.ms) * 1000, theirs: (labs / theirs.ms) * 1000 };
    });
    const ours = median(runs.map((run) => run.ours));
    report.figure({ name: `validation, ${labs} files`, value: ours, unit: "per s", samples: runs.length });
    report.figure({
      name: `bare js-yaml and ajv, ${labs} files`,
      value: median(runs.map((run) => run.theirs)),
      unit: "per s",
      samples: runs.length,
      note: "the general lab schema only: no places, profiles, teams or rules between files",
    });
    report.figure({
      name: `validation against bare js-yaml and ajv, ${labs} files`,
      value: median(runs.map((run) => run.ours / run.theirs)),
      unit: "times",
      samples: runs.length,
    });
  }
}

interface Entries {
  readonly policyFiles: readonly CatalogEntry[];
  readonly files: readonly CatalogEntry[];
}

function entriesOf(labs: number): Entries {
  const entries = Object.entries(catalogFiles(labs)).map(
    ([path, text]): CatalogEntry => ({ path, kind: "file", blobOid: "", bytes: Buffer.from(text) }),
  );
  return {
    policyFiles: entries.filter(({ path }) => !path.startsWith("labs/")),
    files: entries.filter(({ path }) => path.startsWith("labs/")),
  };
}

const textOf = (entry: CatalogEntry): string =>
  entry.kind === "file" ? Buffer.from(entry.bytes.buffer, entry.bytes.byteOffset, entry.bytes.length).toString() : "";
