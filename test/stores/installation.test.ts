import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { installationId } from "../../src/local/installation.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";

describe("which labkeeper this is", () => {
  test("is said the same by all of its processes, also when they ask at once", async () => {
    await using it = await temporaryFolder();
    const ids = await Promise.all(Array.from({ length: 8 }, () => installationId(folderArtifacts(it.path))));
    expect(new Set(ids).size).toBe(1);
    expect(await installationId(folderArtifacts(it.path))).toBe(ids[0]);
  });

  test("is another one with other artifacts", async () => {
    await using it = await temporaryFolder();
    const [one, two] = ["one", "two"].map((name) => installationId(folderArtifacts(join(it.path, name))));
    expect(await one).not.toBe(await two);
  });

  test("is not made up anew when it is damaged or cannot be read", async () => {
    await using it = await temporaryFolder();
    const artifacts = folderArtifacts(it.path);
    await artifacts.put("installation/id", new TextEncoder().encode("?"));
    await expect(installationId(artifacts)).rejects.toMatchObject({ code: "LK6107" });
    const broken = { ...artifacts, get: () => Promise.reject(new Error("no route")) };
    await expect(installationId(broken)).rejects.toThrow("no route");
  });
});
