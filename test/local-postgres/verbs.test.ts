import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hostIdentity } from "../../src/local/local-postgres/host.ts";
import { ContractError, type Intent, intentOf, parseRequest } from "../../src/local/local-postgres/request.ts";
import { destroy, install, observe } from "../../src/local/local-postgres/verbs.ts";

const around = { sharedDir: undefined, progress: () => undefined };
const facts = { id: "1", name: "x", team: "t", owner: "o", costCenter: "c", workers: 1, ttlHours: 1, tags: {} };

async function someIntent(): Promise<Intent> {
  const above = await mkdtemp(join(tmpdir(), "labkeeper-lab-"));
  onTestFinished(async () => await rm(above, { recursive: true, force: true }));
  const infraId = "never-made-abcde";
  const host = await hostIdentity();
  return { infraId, host, folder: join(above, infraId), port: 20_001, user: "lab_admin", database: "lab" };
}

const request = (verb: string, intent: unknown): string =>
  JSON.stringify({
    apiVersion: "labkeeper.dev/v1",
    verb,
    lab: { id: "1", name: "x", team: "t", spec: { owner: "o", costCenter: "c", workers: 1, ttlHours: 1, tags: {} } },
    intent,
    credentials: null,
    workdir: "/tmp",
  });

test("what was never made is absent, with evidence", async () => {
  const intent = await someIntent();
  const seen = await observe(intent);
  expect(seen).toMatchObject({ verdict: "absent" });
  expect(seen.evidence).toHaveLength(3);
  expect(await destroy(intent, around)).toEqual({});
});

test("a missing folder above, as of a disk that is not mounted, is unknown", async () => {
  const intent = { ...(await someIntent()), folder: "/nowhere/at/all/never-made-abcde" };
  expect(await observe(intent)).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("ENOENT") });
  await expect(destroy(intent, around)).rejects.toThrow("ENOENT");
});

test("a lab of another host is unknown here, and neither made nor destroyed from here", async () => {
  const intent = { ...(await someIntent()), host: "another" };
  expect(await observe(intent)).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("another") });
  await expect(destroy(intent, around)).rejects.toThrow("another");
  await expect(install(facts, intent, around)).rejects.toThrow("another");
});

test("a folder with another lab's marker, or none, is not touched", async () => {
  const intent = await someIntent();
  await mkdir(intent.folder);
  await writeFile(join(intent.folder, "precious"), "");
  await expect(destroy(intent, around)).rejects.toThrow("lab.json");
  await writeFile(join(intent.folder, "lab.json"), '{"infraId":"somebody-elses"}');
  await expect(destroy(intent, around)).rejects.toThrow("another lab");
  await expect(install(facts, intent, around)).rejects.toThrow("another lab");
  expect(await readdir(intent.folder)).toContain("precious");
  expect(await observe(intent)).toMatchObject({ verdict: "present" });
});

test.each(["/", "relative", "/tmp/lab-abcde/..", "/tmp/lab-abcde/../other", "/tmp/x/../lab-abcde"])(
  "an intent with the folder %s is refused",
  async (folder) => {
    const intent = { ...(await someIntent()), infraId: "lab-abcde", folder };
    expect(() => parseRequest("destroy", request("destroy", intent))).toThrow(ContractError);
  },
);

test("a request that breaks the contract is refused in words", async () => {
  expect(() => parseRequest("dance", "{}")).toThrow(/must be one of prepare, /);
  expect(() => parseRequest("install", request("destroy", null))).toThrow(/differs/);
  expect(() => parseRequest("install", "[]")).toThrow(/must be an object/);
  expect(() => intentOf(parseRequest("prepare", request("prepare", null)))).toThrow("needs an intent");
  const intent = await someIntent();
  expect(parseRequest("destroy", request("destroy", intent)).intent).toEqual(intent);
});
