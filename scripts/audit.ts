/**
 * `npm run audit`: asks the registry for known vulnerabilities in what labkeeper ships with. Exits 1 when there are any,
 * and 2 when the registry did not answer, which says nothing about them.
 */

import { spawn } from "node:child_process";
import { verdictOf } from "./audit-verdict.ts";

const child = spawn("npm", ["audit", "--omit", "dev", "--json"], { stdio: ["ignore", "pipe", "ignore"] });
let said = "";
child.stdout.setEncoding("utf8").on("data", (text: string) => {
  said += text;
});
child.on("error", () => undefined);
child.on("close", () => {
  const { exitCode, lines } = verdictOf(said);
  for (const line of lines) console.log(line);
  process.exitCode = exitCode;
});
