import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { diskError } from "../../src/local/disk-error.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";
import { artifactContract, bytes, text } from "./artifact-contract.ts";
import { snapshotContract } from "./snapshot-contract.ts";

async function store() {
  const folder = await temporaryFolder();
  const root = join(folder.path, "artifacts");
  return {
    root,
    outside: folder.path,
    artifacts: folderArtifacts(root),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

const contractStore = async () => {
  const it = await store();
  return { ...it, again: () => folderArtifacts(it.root) };
};
artifactContract("a folder", contractStore);
snapshotContract("a folder", contractStore);

describe("folder artifacts", () => {
  test("append makes the log and loses no line of writers side by side", async () => {
    await using it = await store();
    const others = folderArtifacts(it.root);
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}\n`);
    await Promise.all(lines.map((line, index) => (index % 2 ? others : it.artifacts).append("labs/a/1/log", line)));
    const found = (text(await it.artifacts.get("labs/a/1/log")) ?? "").split("\n").filter(Boolean);
    expect(found.sort()).toEqual(lines.map((line) => line.trim()).sort());
  });

  test("are listed without half-written files", async () => {
    await using it = await store();
    await it.artifacts.put("labs/b/log", bytes("x"));
    await mkdir(join(it.root, ".tmp"), { recursive: true });
    await writeFile(join(it.root, ".tmp", "half"), "half");
    expect(await it.artifacts.list("")).toEqual(["labs/b/log"]);
  });

  test("belong to their user alone", async () => {
    await using it = await store();
    await it.artifacts.put("labs/a/metadata.json", bytes("x"));
    await it.artifacts.append("labs/a/log", "x");
    const mode = async (path: string): Promise<string> => ((await stat(join(it.root, path))).mode & 0o777).toString(8);
    expect(await Promise.all(["", "labs", "labs/a"].map(mode))).toEqual(["700", "700", "700"]);
    expect(await Promise.all(["labs/a/log", "labs/a/metadata.json"].map(mode))).toEqual(["600", "600"]);
  });

  test("leave nothing half-written behind", async () => {
    await using it = await store();
    await Promise.allSettled(Array.from({ length: 20 }, (_, index) => it.artifacts.put("same", bytes(String(index)))));
    expect(await readdir(join(it.root, ".tmp"))).toEqual([]);
    expect(text(await it.artifacts.get("same"))).toMatch(/^\d+$/);
  });
});

describe("a key", () => {
  test("never leads outside, whatever it is", async () => {
    await using it = await store();
    await writeFile(join(it.outside, "canary"), "untouched");
    const key = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom("..", ".", "", "a", "canary", "%2e")).map((parts) => parts.join("/")),
    );
    await fc.assert(
      fc.asyncProperty(key, async (candidate) => {
        for (const call of [it.artifacts.put(candidate, bytes("x")), it.artifacts.remove(candidate)]) {
          const end = await call.catch((error: unknown) => error);
          if (end !== undefined) expect(end).toBeInstanceOf(LabkeeperError);
        }
        expect(await readFile(join(it.outside, "canary"), "utf8")).toBe("untouched");
      }),
      { numRuns: 100 },
    );
    const unexpected = (await readdir(it.outside)).filter((name) => name !== "artifacts" && name !== "canary");
    expect(unexpected).toEqual([]);
  });

  test("does not follow links, neither of folders nor of files", async () => {
    await using it = await store();
    await it.artifacts.put("labs/a/log", bytes("x"));
    await writeFile(join(it.outside, "canary"), "untouched");
    await symlink(it.outside, join(it.root, "labs", "link"));
    await symlink(join(it.outside, "canary"), join(it.root, "labs", "file"));
    const { artifacts } = it;
    for (const call of [
      () => artifacts.put("labs/link/canary", bytes("x")),
      () => artifacts.get("labs/link/canary"),
      () => artifacts.append("labs/link/canary", "x"),
      () => artifacts.remove("labs/link/canary"),
      () => artifacts.list("labs/link/x"),
      () => artifacts.get("labs/file"),
      () => artifacts.append("labs/file", "x"),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "LK6001", message: expect.stringContaining("ELOOP") });
    }
    await expect(artifacts.put("labs/file", bytes("untouched"))).rejects.toMatchObject({ code: "LK6001" });
    expect(await readFile(join(it.outside, "canary"), "utf8")).toBe("untouched");
    expect(await artifacts.list("")).toEqual(["labs/a/log"]);
  });
});

describe("an error", () => {
  test("says what could not be done and why", async () => {
    await using it = await store();
    await writeFile(it.root, "a file where the folder should be");
    await expect(it.artifacts.put("labs/a", bytes("x"))).rejects.toMatchObject({
      code: "LK6001",
      disposition: "retry",
      message: expect.stringContaining("cannot write labs/a"),
    });
  });

  test.each([
    ["ENOSPC", "room"],
    ["EACCES", "user"],
    ["EROFS", "writable"],
  ])("of %s names its remedy", (code, remedy) => {
    const error = diskError("LK6001", "cannot write x", Object.assign(new Error("no"), { code }));
    expect(error).toMatchObject({ message: expect.stringContaining(code), remedy: expect.stringContaining(remedy) });
  });

  test.skipIf(process.getuid?.() === 0)("of a folder without permission is not an empty answer", async () => {
    await using it = await store();
    await it.artifacts.put("labs/a/log", bytes("x"));
    await chmod(it.root, 0o000);
    await expect(it.artifacts.list("labs")).rejects.toMatchObject({ code: "LK6001" });
    await expect(it.artifacts.get("labs/a/log")).rejects.toMatchObject({ code: "LK6001" });
    await chmod(it.root, 0o700);
  });

  test.runIf(process.platform === "linux")("of a full disk is told as such", async () => {
    const failing = writeFile("/dev/full", "x").catch((error: unknown) => diskError("LK6001", "cannot write x", error));
    expect(await failing).toMatchObject({ message: expect.stringContaining("ENOSPC"), disposition: "retry" });
  });
});
