import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/errors.ts";
import { packageFile } from "../../src/package-root.ts";

/** Where the codes are defined; a mention there is no use. */
const catalogues = ["src/errors.ts", "src/core/document-codes.ts"].map(packageFile);

test("every error code is used in the sources", () => {
  const sources = readdirSync(packageFile("src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !catalogues.includes(path))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  expect(Object.keys(ERRORS).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});
