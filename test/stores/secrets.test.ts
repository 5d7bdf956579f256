import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { seal, unseal } from "../../src/local/secret-box.ts";
import { secretKey } from "../../src/local/secret-key.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import type { SecretStore } from "../../src/ports.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";
import { CANARY, expectRefusal, sealed, secretContract } from "./secret-contract.ts";

async function place() {
  const folder = await temporaryFolder();
  const root = join(folder.path, "secrets");
  const keyFile = join(folder.path, "keys", "secrets.key");
  const open = (): SecretStore => folderSecrets({ root, keyFile });
  return { path: folder.path, root, keyFile, open, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

/** Every byte under a folder. */
async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "latin1")))).join("\n");
}

secretContract("a folder", place);

describe("folder secrets", () => {
  test("are not readable on disk, and private", async () => {
    await using it = await place();
    await it.open().put("labs/a", sealed);
    expect(await everything(it.path)).not.toContain("canary");
    const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
    const files = [it.keyFile, join(it.root, "labs", "a.sealed")];
    expect(await Promise.all([...files, it.root, join(it.path, "keys")].map(mode))).toEqual([
      "600",
      "600",
      "700",
      "700",
    ]);
  });

  test("differ on disk each time, even for the same value", async () => {
    await using it = await place();
    const store = it.open();
    await store.put("labs/a", sealed);
    const first = await readFile(join(it.root, "labs", "a.sealed"));
    await store.put("labs/a", sealed);
    expect((await readFile(join(it.root, "labs", "a.sealed"))).equals(first)).toBe(false);
  });

  test("ask for nothing, and make no key, while there is nothing to read", async () => {
    await using it = await place();
    expect(await it.open().get("labs/a")).toBeNull();
    expect(await readdir(it.path)).toEqual([]);
  });

  test("refuse a key file inside their own folder", () => {
    for (const keyFile of ["/s/secrets/key", "/s/secrets/a/b/key", "/s/secrets"]) {
      expect(() => folderSecrets({ root: "/s/secrets", keyFile })).toThrow(expect.objectContaining({ code: "LK7001" }));
    }
    expect(() => folderSecrets({ root: "/s/secrets", keyFile: "/s/secrets.key" })).not.toThrow();
  });
});

describe("the key", () => {
  test("is made once by stores that start at the same time", async () => {
    await using it = await place();
    const stores = Array.from({ length: 20 }, it.open);
    await Promise.all(stores.map((store, index) => store.put(`labs/${index}`, sealed)));
    const reader = it.open();
    for (let index = 0; index < 20; index++)
      expect((await reader.get(`labs/${index}`))?.reveal("password")).toBe(CANARY);
    expect(await readdir(join(it.path, "keys"))).toEqual(["secrets.key"]);
  });

  test("made by somebody else between looking and making is the one that counts", async () => {
    await using it = await place();
    let first: Buffer | null = null;
    const second = await secretKey(it.keyFile, async () => {
      first = await secretKey(it.keyFile, async () => true);
      return true;
    });
    expect(second).toEqual(first);
    expect((await readFile(it.keyFile, "utf8")).trim()).toBe(second.toString("hex"));
  });

  test("is made once by processes that start at the same time", async () => {
    await using it = await place();
    const program = fileURLToPath(new URL("secret-writer.ts", import.meta.url));
    const writers = Array.from({ length: 4 }, (_, index) => {
      const child = spawn(process.execPath, [program, it.root, it.keyFile, `labs/${index}`], { stdio: "inherit" });
      return new Promise((resolve) => child.once("exit", resolve));
    });
    expect(await Promise.all(writers)).toEqual([0, 0, 0, 0]);
    const reader = it.open();
    for (let index = 0; index < 4; index++) expect((await reader.get(`labs/${index}`))?.names).toEqual(["password"]);
  });

  test("that is another one is told as wrong", async () => {
    await using it = await place();
    await it.open().put("labs/a", sealed);
    await writeFile(it.keyFile, `${"ab".repeat(32)}\n`);
    await expectRefusal(it.open().get("labs/a"), "LK6003");
  });

  test("that is lost is not made anew over secrets", async () => {
    await using it = await place();
    await it.open().put("labs/a", sealed);
    await rm(it.keyFile);
    await expectRefusal(it.open().get("labs/a"), "LK6003");
    await expectRefusal(it.open().put("labs/b", sealed), "LK6003");
    await expect(stat(it.keyFile)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("is used again once it can be read", async () => {
    await using it = await place();
    await it.open().put("labs/a", sealed);
    const key = await readFile(it.keyFile);
    await rm(it.keyFile);
    const store = it.open();
    await expectRefusal(store.get("labs/a"), "LK6003");
    await writeFile(it.keyFile, key, { mode: 0o600 });
    expect((await store.get("labs/a"))?.reveal("password")).toBe(CANARY);
  });

  test.each(["", "short", "zz".repeat(32), "ab".repeat(33)])("that reads %j is refused", async (content) => {
    await using it = await place();
    await mkdir(join(it.path, "keys"));
    await writeFile(it.keyFile, content, { mode: 0o600 });
    await expectRefusal(it.open().put("labs/a", sealed), "LK6003");
  });

  test("that everybody may read is refused, with the command that mends it", async () => {
    await using it = await place();
    await it.open().put("labs/a", sealed);
    await chmod(it.keyFile, 0o644);
    await expect(it.open().get("labs/a")).rejects.toMatchObject({
      code: "LK6003",
      remedy: expect.stringContaining("chmod 600"),
    });
  });
});

describe("tampering", () => {
  test("with any byte is found", async () => {
    await using it = await place();
    const store = it.open();
    await store.put("labs/a", sealed);
    const file = join(it.root, "labs", "a.sealed");
    const good = await readFile(file);
    for (let index = 0; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad[index] = (bad[index] ?? 0) ^ 1;
      await writeFile(file, bad);
      const isKeyId = index >= 4 && index < 12;
      await expectRefusal(store.get("labs/a"), isKeyId ? "LK6003" : "LK6002");
    }
  });

  test("by cutting, extending or replacing the file is found", async () => {
    await using it = await place();
    const store = it.open();
    await store.put("labs/a", sealed);
    const file = join(it.root, "labs", "a.sealed");
    const good = await readFile(file);
    const spoilt = [
      good.subarray(0, -1),
      good.subarray(0, 20),
      Buffer.alloc(0),
      Buffer.concat([good, Buffer.from("x")]),
    ];
    for (const bad of [...spoilt, Buffer.from(JSON.stringify({ password: "mine" }))]) {
      await writeFile(file, bad);
      await expectRefusal(store.get("labs/a"), "LK6002");
    }
  });

  test("by putting one lab's file in another's place is found", async () => {
    await using it = await place();
    const store = it.open();
    await store.put("labs/a", sealed);
    await store.put("labs/b", credentials({ password: "other" }));
    await copyFile(join(it.root, "labs", "a.sealed"), join(it.root, "labs", "b.sealed"));
    await expectRefusal(store.get("labs/b"), "LK6002");
  });
});

test("the box opens with its own key and name only", () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(key, key, fc.string(), fc.string(), fc.uint8Array(), (one, two, name, other, plain) => {
      const box = seal(one, name, Buffer.from(plain));
      const opened = unseal(one, name, box);
      expect(opened.kind === "plain" && opened.plain.equals(plain)).toBe(true);
      if (!one.equals(two)) expect(unseal(two, name, box).kind).toBe("wrong-key");
      if (name !== other) expect(unseal(one, other, box).kind).toBe("damaged");
    }),
  );
});
