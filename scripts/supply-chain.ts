/** Part of `npm run check`: exact versions, a lock that vouches for every byte, and licences that may be given on. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type InstalledPackage,
  type Lock,
  licenceProblems,
  lockProblems,
  type Manifest,
  manifestProblems,
} from "./supply-chain-rules.ts";

const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

const installed = (path: string): InstalledPackage | null => {
  try {
    return read(join(path, "package.json")) as InstalledPackage;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
};

const lock = read("package-lock.json") as Lock;
const problems = [
  ...manifestProblems(read("package.json") as Manifest),
  ...lockProblems(lock),
  ...licenceProblems(lock, installed),
];

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "Supply chain is as agreed." : `Supply chain: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
