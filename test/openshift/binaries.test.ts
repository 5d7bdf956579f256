import { createHash } from "node:crypto";
import { appendFile, chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type BinarySettings, binaries, nearest } from "../../src/provisioners/openshift/binaries.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";

const settings = (change: Partial<BinarySettings>): BinarySettings => ({
  installer: null,
  folder: null,
  environment: process.env,
  ...change,
});

/** Programs that only know their version. */
async function program(path: string, version: string): Promise<void> {
  const name = version === "" ? "something else" : `openshift-install ${version}`;
  await writeFile(path, `#!/bin/sh\necho "${name}"\necho "release image quay.io/release:${version}"\n`);
  await chmod(path, 0o755);
}

async function installers(folder: string, versions: readonly string[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const lines: string[] = [];
  for (const version of versions) {
    const name = `openshift-install-${version}`;
    await program(join(folder, name), version);
    const sum = createHash("sha256")
      .update(await readFile(join(folder, name)))
      .digest("hex");
    lines.push(`${sum}  ${name}`);
  }
  await writeFile(join(folder, "SHA256SUMS"), `${lines.join("\n")}\n`);
  return folder;
}

describe("the folder of installers", () => {
  test("has each version under its name", async () => {
    await using it = await temporaryFolder();
    const found = binaries(settings({ folder: await installers(it.path, ["4.19.20", "4.20.3"]) }));
    expect(await found.installer("4.20.3")).toEqual({
      path: join(it.path, "openshift-install-4.20.3"),
      version: "4.20.3",
      releaseImage: "quay.io/release:4.20.3",
      simulated: false,
    });
  });

  test.each<[string, (folder: string) => Promise<unknown>, string]>([
    ["is not there", async () => undefined, "is not there"],
    ["was changed", (folder) => appendFile(join(folder, "openshift-install-4.20.3"), "# x\n"), "has checksum"],
    ["is another one's", (folder) => program(join(folder, "openshift-install-4.20.3"), "4.20.2"), "has checksum"],
    ["is not locked", (folder) => writeFile(join(folder, "SHA256SUMS"), ""), "has no line for"],
    ["is not executable", (folder) => chmod(join(folder, "openshift-install-4.20.3"), 0o644), "not executable"],
  ])("refuses a program that %s", async (what, change, message) => {
    await using it = await temporaryFolder();
    await installers(it.path, ["4.20.3"]);
    await change(it.path);
    const version = what === "is not there" ? "4.20.9" : "4.20.3";
    await expect(binaries(settings({ folder: it.path })).installer(version)).rejects.toMatchObject({
      code: "LK5201",
      message: expect.stringContaining(message),
    });
  });

  test("sees that a program was changed after it was used", async () => {
    await using it = await temporaryFolder();
    const found = binaries(settings({ folder: await installers(it.path, ["4.20.3"]) }));
    await found.installer("4.20.3");
    await appendFile(join(it.path, "openshift-install-4.20.3"), "# evil\n");
    await expect(found.installer("4.20.3")).rejects.toMatchObject({ code: "LK5201" });
  });

  test("gives a destroy whatever is nearest, skipping what cannot be trusted", async () => {
    await using it = await temporaryFolder();
    const folder = await installers(it.path, ["4.18.30", "4.19.2", "4.19.20", "4.20.3"]);
    const found = binaries(settings({ folder }));
    expect(await found.anyInstaller("4.19.5")).toMatchObject({ version: "4.19.20" });
    expect(await found.anyInstaller("4.12.1")).toMatchObject({ version: "4.20.3" });
    await appendFile(join(folder, "openshift-install-4.19.20"), "# x\n");
    expect(await found.anyInstaller("4.19.5")).toMatchObject({ version: "4.19.2" });
  });

  test("that is empty or missing is said", async () => {
    await using it = await temporaryFolder();
    for (const folder of [it.path, join(it.path, "nowhere"), null]) {
      await expect(binaries(settings({ folder })).anyInstaller("4.20.3")).rejects.toMatchObject({ code: "LK5201" });
    }
  });
});

describe("one program for everything", () => {
  test("must be of the lab's version to install, and of any to destroy", async () => {
    await using it = await temporaryFolder();
    const installer = join(it.path, "my-openshift-install");
    await program(installer, "4.20.3");
    const found = binaries(settings({ installer }));
    expect(await found.installer("4.20.3")).toMatchObject({ path: installer });
    await expect(found.installer("4.20.30")).rejects.toMatchObject({ code: "LK5201" });
    expect(await found.anyInstaller("4.12.1")).toMatchObject({ version: "4.20.3" });
  });

  test("that does not say what it is is refused", async () => {
    await using it = await temporaryFolder();
    const installer = join(it.path, "other");
    await program(installer, "");
    await expect(binaries(settings({ installer })).installer("4.20.3")).rejects.toMatchObject({ code: "LK5201" });
    await copyFile("/bin/false", installer);
    await expect(binaries(settings({ installer })).installer("4.20.3")).rejects.toMatchObject({ code: "LK5201" });
  });
});

describe("oc and ccoctl", () => {
  test("are those of the lab's version in the same folder, if they are what was reviewed", async () => {
    await using it = await temporaryFolder();
    for (const name of ["oc", "ccoctl"] as const) {
      const path = join(it.path, `${name}-4.20.3`);
      await program(path, "4.20.3");
      const sum = createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
      await writeFile(join(it.path, "SHA256SUMS"), `${sum}  ${name}-4.20.3\n`);
      const found = binaries(settings({ folder: it.path }));
      expect(await found.tool(name, "4.20.3")).toBe(path);
      await expect(found.tool(name, "4.19.20")).rejects.toMatchObject({ code: "LK5201" });
      await appendFile(path, "# x\n");
      const checked = binaries(settings({ folder: it.path })).tool(name, "4.20.3");
      await expect(checked).rejects.toMatchObject({ code: "LK5201", message: expect.stringContaining("has checksum") });
    }
  });

  test("of another version remove what one that was retired has made", async () => {
    await using it = await temporaryFolder();
    const lines: string[] = [];
    for (const version of ["4.19.20", "4.20.3", "4.20.10"]) {
      const path = join(it.path, `ccoctl-${version}`);
      await program(path, version);
      const hash = createHash("sha256").update(await readFile(path));
      lines.push(`${hash.digest("hex")}  ccoctl-${version}`);
    }
    await writeFile(join(it.path, "SHA256SUMS"), `${lines.join("\n")}\n`);
    const { anyTool } = binaries(settings({ folder: it.path }));
    expect(await anyTool("ccoctl", "4.20.3")).toBe(join(it.path, "ccoctl-4.20.3"));
    expect(await anyTool("ccoctl", "4.18.1")).toBe(join(it.path, "ccoctl-4.20.10"));
    await appendFile(join(it.path, "ccoctl-4.20.10"), "# x\n");
    expect(await anyTool("ccoctl", "4.20.11")).toBe(join(it.path, "ccoctl-4.20.3"));
    await expect(anyTool("oc", "4.20.3")).rejects.toMatchObject({
      code: "LK5201",
      message: expect.stringContaining("no oc of any version"),
    });
    const own = binaries(settings({ folder: null, ccoctl: join(it.path, "ccoctl-4.19.20") }));
    expect(await own.anyTool("ccoctl", "4.20.3")).toBe(join(it.path, "ccoctl-4.19.20"));
  });

  test("are the ones that are configured, or missing by name", async () => {
    await using it = await temporaryFolder();
    const path = join(it.path, "my-oc");
    await program(path, "4.20.3");
    const found = binaries(settings({ folder: null, oc: path }));
    expect(await found.tool("oc", "4.20.3")).toBe(path);
    await expect(found.tool("ccoctl", "4.20.3")).rejects.toMatchObject({
      code: "LK5201",
      message: expect.stringContaining("ccoctl of version 4.20.3"),
    });
    const gone = binaries(settings({ folder: null, oc: join(it.path, "not-there") })).tool("oc", "4.20.3");
    await expect(gone).rejects.toMatchObject({ code: "LK5201", message: expect.stringContaining("not-there") });
  });
});

test("versions are compared as numbers", () => {
  expect(nearest("4.9.1", ["4.10.0", "4.9.0", "4.9.12", "4.9.2"])).toEqual(["4.9.12", "4.9.2", "4.9.0", "4.10.0"]);
  expect(nearest("4.9.2", ["4.10.0", "4.9.12", "4.9.2"])[0]).toBe("4.9.2");
});
