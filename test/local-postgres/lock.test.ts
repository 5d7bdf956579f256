import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withLock } from "../../src/local/postgres/lock.ts";
import { identify } from "../../src/local/postgres/process.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "labkeeper-lock-"));
  onTestFinished(async () => await rm(made, { recursive: true, force: true }));
  return made;
}

test("one at a time, whoever asks", async () => {
  const place = await folder();
  const counter = join(place, "counter");
  await writeFile(counter, "0");
  const increment = async (): Promise<void> =>
    await withLock(place, async () => {
      const before = Number(await readFile(counter, "utf8"));
      await new Promise((resolve) => setImmediate(resolve));
      await writeFile(counter, String(before + 1));
    });
  await Promise.all(Array.from({ length: 20 }, increment));
  expect(await readFile(counter, "utf8")).toBe("20");
  expect((await readdir(place)).filter((name) => name.includes("lock"))).toHaveLength(1);
});

test("a holder that failed lets go", async () => {
  const place = await folder();
  await expect(withLock(place, async () => await Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(place, async () => "mine")).toBe("mine");
});

test.each([
  [
    "a process that is gone",
    async () => ({ pid: 2 ** 22 + 1, startedAt: "1", boot: (await identify(process.pid))!.boot }),
  ],
  ["an earlier process with our pid", async () => ({ ...(await identify(process.pid))!, startedAt: "1" })],
  ["a process before the reboot", async () => ({ ...(await identify(process.pid))!, boot: "another" })],
])("the lock of %s is taken over", async (_, holder) => {
  const place = await folder();
  await writeFile(join(place, "lock.7"), JSON.stringify(await holder()));
  expect(await withLock(place, async () => await readdir(place))).toEqual(["lock.8"]);
});
