import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder that holds package.json. Source files run from `src/`, built ones from `dist/` (the build
 * keeps every output file directly in it), so the package is one level up from either.
 */
export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** Absolute path of a file or folder shipped in the package, as in `packageFile("migrations")`. */
export const packageFile = (relative: string): string => join(packageRoot, relative);
