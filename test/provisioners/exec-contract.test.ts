/** The example of docs/provisioners.md is the program under test: what people copy is what works. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { type ContractSubject, provisionerContract } from "./contract.ts";
import { temporaryFolder } from "./lab-order.ts";

const docs = await readFile(new URL("../../docs/provisioners.md", import.meta.url), "utf8");
const [, example] = /<!-- example: folder-lab\.mjs -->\n```js\n([\s\S]*?)```/.exec(docs) ?? [];

test("the docs hold the example", () => {
  expect(example).toContain("process.argv[2]");
});

provisionerContract("the example of the exec contract", async (): Promise<ContractSubject> => {
  const folder = await temporaryFolder();
  const program = join(folder.path, "folder-lab.mjs");
  const labs = join(folder.path, "labs");
  await mkdir(labs);
  await writeFile(program, example ?? "");
  return {
    provisioner: execProvisioner({
      name: "folder-lab",
      command: [process.execPath, program],
      environment: { ...process.env, FOLDER_LABS: labs },
      allowEnvironment: ["FOLDER_LABS"],
    }),
    things: () => readdir(labs),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
});
