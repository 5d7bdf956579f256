/** `npm run build`: the programs in `dist/`, which `bin/labkeeper.mjs` prefers over the sources. */

import { rmSync } from "node:fs";
import { packageFile } from "../src/package-root.ts";
import { bundle } from "./bundle.ts";

rmSync(packageFile("dist"), { recursive: true, force: true });
const { outputs } = await bundle(packageFile("dist"));
const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist/: ${Object.keys(outputs).length} files, ${Math.ceil(bytes / 1024)} KiB`);
