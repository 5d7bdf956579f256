import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { madeFolder } from "../../src/made-folder.ts";
import { labkeeper } from "../cli/run-labkeeper.ts";

async function top(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "labkeeper folder-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

test("makes every level once, also when many ask at once", async () => {
  const folder = join(await top(), "a", "b", "c");
  await Promise.all(Array.from({ length: 5 }, () => madeFolder(folder, 0o700)));
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await madeFolder(folder, 0o711)).toBe(false);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test("says what is in the way", async () => {
  const folder = await top();
  await writeFile(join(folder, "file"), "");
  await symlink(join(folder, "nowhere"), join(folder, "link"));
  for (const path of ["file", "file/below/it", "link", "link/below"]) {
    await expect(madeFolder(join(folder, path), 0o700)).rejects.toMatchObject({ code: "LK7003" });
  }
});

test.each(["status", "doctor"])("%s with a state folder that cannot be ends with what to do", async (command) => {
  const file = join(await top(), "file");
  await writeFile(file, "");
  const places = ["/dev/null", "/dev/null/x", file, ...(process.platform === "linux" ? ["/proc/labkeeper/x"] : [])];
  const ended = await Promise.all(places.map((place) => labkeeper([command, "--state-dir", place])));
  for (const { code, stdout, stderr } of ended) {
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/LK7003.*cannot be used as a folder(.*\n)*.*→ Name a folder/);
    expect(stdout + stderr).not.toContain("defect");
  }
});
