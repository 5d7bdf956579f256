import { build, type Metafile } from "esbuild";
import { packageRoot } from "../src/package-root.ts";

/** Programs that run as processes of their own: file in `dist/` → source. `main` is the command line. */
export const programs: Readonly<Record<string, string>> = {
  main: "src/main.ts",
  "local-postgres": "src/local/local-postgres/main.ts",
};

/**
 * Bundles the programs into `outdir`, as JavaScript for the oldest Node that `engines` names. Packages stay outside;
 * what is imported lazily becomes a chunk of its own, so that `--help` loads little.
 */
export async function bundle(outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: packageRoot,
    entryPoints: { ...programs },
    outdir,
    // Everything directly in the folder: src/package-root.ts finds the package's files one level up.
    entryNames: "[name]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  });
  return metafile;
}
