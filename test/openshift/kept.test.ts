import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { redactor } from "../../src/core/redact.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { keepEvidence } from "../../src/provisioners/openshift/kept.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";

const SECRET = "canary-of-an-installers-log-5f3a9c1e7b";
const END = 4 * 1024 ** 2;

test.each([
  ["the middle of a line", "\nlevel=debug msg=x"],
  ["one endless line", "x"],
])("the end of an installer's log that begins in %s has no half of a secret", async (_what, more) => {
  await using it = await temporaryFolder();
  const end = `${SECRET.slice(8)}${more.repeat(END / more.length)}`.slice(0, END);
  await writeFile(join(it.path, ".openshift_install.log"), `begin\n${SECRET.slice(0, 8)}${end}`);
  const artifacts = folderArtifacts(join(it.path, "artifacts"));
  const [key = ""] = await keepEvidence(artifacts, "labs/x", it.path, redactor([SECRET]));
  const kept = new TextDecoder().decode((await artifacts.get(key)) ?? new Uint8Array());
  expect(kept.includes(SECRET.slice(-12))).toBe(false);
  expect(kept === "" || kept.startsWith("level=debug")).toBe(true);
});

test("a short log of an installer is kept whole", async () => {
  await using it = await temporaryFolder();
  await writeFile(join(it.path, ".openshift_install.log"), `one ${SECRET}\ntwo`);
  const artifacts = folderArtifacts(join(it.path, "artifacts"));
  const [key = ""] = await keepEvidence(artifacts, "labs/x", it.path, redactor([SECRET]));
  const kept = new TextDecoder().decode((await artifacts.get(key)) ?? new Uint8Array());
  expect(kept).toMatch(/^one .*\ntwo$/);
  expect(kept).not.toContain(SECRET);
});
