import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { packageFile, packageRoot } from "../src/package-root.ts";

/** Where the bundle is committed, from the project's root: GitHub runs what it finds there, and installs nothing. */
export const ACTION_FOLDER = "actions/validate/dist";

/** The shipped profiles as text inside the program, since an action has no package around it. */
const entry = (): string => {
  const profiles = readdirSync(packageFile("profiles"))
    .filter((name) => name.endsWith(".yaml"))
    .sort();
  const imports = profiles.map((name, index) => `import p${index} from "./profiles/${name}";`);
  const map = profiles.map((name, index) => `${JSON.stringify(name)}: p${index}`).join(", ");
  return `import { main } from "./src/action/main.ts";\n${imports.join("\n")}\nawait main(process.env, { ${map} });\n`;
};

/**
 * The files of `actions/validate/dist`, by name: the program, and the licences of what is in it. The same sources and
 * packages give the same bytes.
 */
export const actionBundle = async (): Promise<ReadonlyMap<string, Uint8Array>> => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: packageRoot,
    stdin: { contents: entry(), resolveDir: packageRoot, sourcefile: "action.ts", loader: "ts" },
    outfile: "main.mjs",
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    platform: "node",
    // As `runs.using` of action.yml says.
    target: "node24",
    loader: { ".yaml": "text" },
    // Packages that are CommonJS ask for Node's modules with `require`, which a module does not have.
    banner: { js: 'import { createRequire } from "node:module";const require = createRequire(import.meta.url);' },
    // Names stay, so that the trace of a defect can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild gave no bundle");
  return new Map([
    ["main.mjs", output.contents],
    ["LICENSES.txt", Buffer.from(licences(metafile))],
  ]);
};

const licences = ({ inputs }: Metafile): string => {
  const folders = Object.keys(inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const packages = [...new Set(folders.filter((folder) => folder !== undefined))].sort();
  return packages.map(licenceOf).join(`\n${"-".repeat(80)}\n\n`);
};

const licenceOf = (folder: string): string => {
  const { name, version, license } = JSON.parse(readFileSync(packageFile(join(folder, "package.json")), "utf8"));
  const file = readdirSync(packageFile(folder)).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
  const text = file === undefined ? "" : readFileSync(packageFile(join(folder, file)), "utf8");
  return `${name} ${version}: ${license}\n\n${text.replaceAll("\r\n", "\n").trim()}\n`;
};
