/** Holds the import rules of `.dependency-cruiser.mjs` against the sources; exits 1 and says where when one is broken. */

import { existsSync } from "node:fs";
import { broken } from "./broken-imports.ts";

const folders = ["src", "standins", "test", "bench", "simulate", "fuzz", "scripts"].filter((folder) =>
  existsSync(folder),
);
const violations = await broken(process.cwd(), folders);

for (const { rule, comment, from, to } of violations) {
  console.error(`${from} → ${to}\n  ${rule}: ${comment}`);
}
console.log(violations.length === 0 ? "Import rules hold." : `Import rules broken: ${violations.length}`);
process.exitCode = violations.length === 0 ? 0 : 1;
