/**
 * `npm run sbom --silent > labkeeper.cdx.json`: a CycloneDX bill of materials of what is shipped, as installed here. npm
 * writes it, with everything; tools for development are taken out by what the lock says of them, because
 * `npm sbom --omit dev` also leaves out what a tool and labkeeper both need.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Lock } from "./supply-chain-rules.ts";

interface Bom {
  readonly metadata: { readonly component: { readonly "bom-ref": string; readonly name: string } };
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
const shipped = new Set(
  Object.entries(packages).flatMap(([path, { dev, version }]) =>
    path === "" || dev === true ? [] : [`${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`],
  ),
);

const text = execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx"], {
  encoding: "utf8",
  maxBuffer: 2 ** 28,
  stdio: ["ignore", "pipe", "inherit"],
});
const bom = JSON.parse(text) as Bom;
const { component } = bom.metadata;
const refs = new Set([component["bom-ref"], ...shipped]);
const kept = {
  ...bom,
  // npm names it after the folder that it happens to be in.
  metadata: { ...bom.metadata, component: { ...component, name: "labkeeper" } },
  components: bom.components.filter((each) => shipped.has(each["bom-ref"])),
  dependencies: bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) })),
};
process.stdout.write(`${JSON.stringify(kept, null, 2)}\n`);
