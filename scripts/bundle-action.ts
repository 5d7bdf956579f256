/**
 * `npm run build:action`: writes the bundle of `actions/validate`, which is committed. With `--check` nothing is
 * written: it exits 1 when what is committed is not what the sources give.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../src/package-root.ts";
import { ACTION_FOLDER, actionBundle } from "./action-bundle.ts";

const folder = packageFile(ACTION_FOLDER);
const files = [...(await actionBundle())];

if (process.argv.includes("--check")) {
  const isFresh = ([name, bytes]: readonly [string, Uint8Array]): boolean =>
    existsSync(join(folder, name)) && Buffer.compare(readFileSync(join(folder, name)), bytes) === 0;
  const stale = files.filter((file) => !isFresh(file)).map(([name]) => name);
  console.log(
    stale.length === 0
      ? `${ACTION_FOLDER} is what the sources give.`
      : `${ACTION_FOLDER} is stale (${stale.join(", ")}): run \`npm run build:action\` and commit it.`,
  );
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  console.log(
    files.map(([name, bytes]) => `${ACTION_FOLDER}/${name}: ${Math.ceil(bytes.length / 1024)} KiB`).join("\n"),
  );
}
