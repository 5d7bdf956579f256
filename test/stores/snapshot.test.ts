import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { manifestText, parseManifest, pathProblem, pathsProblem } from "../../src/core/snapshot.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { loadSnapshot, saveSnapshot } from "../../src/provisioners/snapshot.ts";
import { folderFiles, restoreFolder } from "../../src/provisioners/snapshot-folder.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";
import { bytes } from "./artifact-contract.ts";

const SHA = "a".repeat(64);

describe("a path in a snapshot", () => {
  test.each([
    ["../x", "out"],
    ["a/../../x", "out"],
    ["a/./b", "out"],
    ["a//b", "out"],
    ["a/", "out"],
    ["", "out"],
    ["..", "out"],
    ["/etc/passwd", "absolute"],
    ["a\\..\\b", "character"],
    ["C:x", "character"],
    ["a\0b", "character"],
    ["a\nb", "character"],
    [`${"d/".repeat(600)}x`, "long"],
    ["a/.. /x", "none"],
    ["a/. ./x", "none"],
    [".\u200b./x", "none"],
    ["\u200d/x", "none"],
  ])("like %j is refused", (path, why) => {
    expect(pathProblem(path)).toContain(why);
  });

  test("never leads out of its folder", () => {
    const segment = fc.oneof(fc.constantFrom("..", ".", "", "a", "\\", "C:"), fc.string());
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
        const path = segments.join("/");
        if (pathProblem(path) === null) expect(join("/some/folder", path).startsWith("/some/folder/")).toBe(true);
      }),
    );
  });

  test.each([[["a", "a"]], [["a", "a/b"]], [["a/b/c", "a/b"]], [["A", "a/b"]], [["a/B/c", "A/b"]]])(
    "cannot be what others make impossible: %j",
    (paths) => {
      expect(pathsProblem(paths)).not.toBeNull();
    },
  );

  test.each([
    ["in case", "auth/kubeconfig", "auth/Kubeconfig"],
    ["in the case of a folder", "auth/kubeconfig", "AUTH/kubeconfig"],
    ["in how an accent is written", "caf\u00e9", "cafe\u0301"],
    ["in both", "CAF\u00c9", "cafe\u0301"],
    ["in letters with one capital", "stra\u00dfe", "STRASSE"],
    ["in a letter with another small one", "\u03c3", "\u03c2"],
    ["in a sign that stands for a letter", "\u212a", "k"],
    ["in what is not seen", "a\u200bb", "ab"],
    ["in a dot at the end", "state", "state."],
    ["in a space at the end of a folder", "auth/x", "auth /x"],
  ])("cannot differ from another one only %s", async (_, one, other) => {
    expect(pathsProblem([one, "x/y", other])).toContain("one file on some systems");
    expect(pathsProblem([one, "x/y"])).toBeNull();
    const files = [one, other].map((path) => ({ path, sha256: SHA, size: 1 }));
    expect(parseManifest(manifestText(files))).toHaveProperty("problem");
    await using it = await temporaryFolder();
    const both = new Map(files.map(({ path }) => [path, bytes(path)]));
    await expect(restoreFolder(join(it.path, "work"), both)).rejects.toMatchObject({ code: "LK6107" });
    expect(await readdir(it.path)).toEqual([]);
  });

  test("may share a folder that is written in two ways", () => {
    expect(pathsProblem(["auth/a", "Auth/b"])).toBeNull();
    expect(pathsProblem([".openshift_install_state.json", ".clusterapi_output/a.yaml", "..a/b"])).toBeNull();
  });
});

describe("a manifest", () => {
  const files = [
    { path: "b", sha256: SHA, size: 3 },
    { path: "a/c", sha256: SHA, size: 0 },
  ];

  test("is the same for the same files in any order, and reads as it was written", () => {
    expect(manifestText(files)).toBe(manifestText([...files].reverse()));
    expect(parseManifest(manifestText(files))).toEqual({ files: [files[1], files[0]] });
  });

  test("cut or changed anywhere is refused", () => {
    const whole = manifestText(files);
    // The last character is the newline, which says nothing.
    for (let end = 0; end < whole.length - 1; end++) {
      expect(parseManifest(whole.slice(0, end))).toHaveProperty("problem");
    }
    for (const [from, to] of [
      ["3", "4"],
      ["a/c", "a/d"],
      ["aaaa", "aaab"],
      ["Snapshot", "Lab"],
      ["1,", "2,"],
    ] as const) {
      expect(parseManifest(whole.replace(from, to))).toHaveProperty("problem");
    }
  });

  test("of unsafe paths is refused, also with a good checksum", () => {
    for (const path of ["../x", "/x", "a\\b"]) {
      expect(parseManifest(manifestText([{ path, sha256: SHA, size: 1 }]))).toHaveProperty("problem");
    }
  });
});

describe("a folder", () => {
  test("comes back on another host as it was, without what was not wanted and without links", async () => {
    await using here = await temporaryFolder();
    await using there = await temporaryFolder();
    await mkdir(join(here.path, "auth"));
    await mkdir(join(here.path, "cluster-api"));
    await writeFile(join(here.path, "metadata.json"), "{}");
    await writeFile(join(here.path, "auth", "kubeconfig"), "config");
    await writeFile(join(here.path, "cluster-api", "binary"), "big");
    await symlink("/etc/passwd", join(here.path, "auth", "link"));
    const wanted = (path: string): boolean => !path.startsWith("cluster-api/");
    const artifacts = folderArtifacts(join(there.path, "artifacts"));
    const ref = await saveSnapshot(artifacts, "labs/a/state", await folderFiles(here.path, wanted));

    const target = join(there.path, "work");
    const found = await loadSnapshot(artifacts, "labs/a/state", ref);
    await restoreFolder(target, found ?? new Map());
    expect((await readdir(target, { recursive: true })).sort()).toEqual(["auth", "auth/kubeconfig", "metadata.json"]);
    expect(await readFile(join(target, "auth", "kubeconfig"), "utf8")).toBe("config");
    const modes = await Promise.all(["auth", "auth/kubeconfig"].map((path) => stat(join(target, path))));
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(["700", "600"]);
  });

  test("is restored over what was there before", async () => {
    await using it = await temporaryFolder();
    await writeFile(join(it.path, "state"), "something longer");
    await restoreFolder(it.path, new Map([["state", bytes("new")]]));
    expect(await readFile(join(it.path, "state"), "utf8")).toBe("new");
  });

  test("is never written outside of, not by a path and not through a link", async () => {
    await using it = await temporaryFolder();
    const folder = join(it.path, "work");
    await mkdir(folder);
    await mkdir(join(it.path, "outside"));
    await writeFile(join(it.path, "canary"), "untouched");
    await symlink(join(it.path, "outside"), join(folder, "auth"));
    await symlink(join(it.path, "canary"), join(folder, "state"));
    for (const path of ["../canary", "/tmp/x", "a/../../canary"]) {
      const files = new Map([
        ["good", bytes("x")],
        [path, bytes("x")],
      ]);
      await expect(restoreFolder(folder, files)).rejects.toMatchObject({ code: "LK6107" });
    }
    for (const path of ["auth/kubeconfig", "state"]) {
      await expect(restoreFolder(folder, new Map([[path, bytes("x")]]))).rejects.toMatchObject({ code: "LK6001" });
    }
    expect(await readdir(join(it.path, "outside"))).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(["auth", "state"]);
    expect(await readFile(join(it.path, "canary"), "utf8")).toBe("untouched");
  });

  test("that cannot be read is not an empty one", async () => {
    await expect(folderFiles("/nonexistent/folder")).rejects.toMatchObject({ code: "LK6001" });
  });

  test("is not read through links or special files when it is stored", async () => {
    await using it = await temporaryFolder();
    const artifacts = folderArtifacts(join(it.path, "artifacts"));
    await symlink("/etc/hostname", join(it.path, "link"));
    for (const source of [join(it.path, "link"), it.path, "/dev/null", join(it.path, "none")]) {
      const saving = saveSnapshot(artifacts, "labs/a/state", new Map([["x", source]]));
      await expect(saving).rejects.toMatchObject({ code: "LK6001" });
    }
    expect(await artifacts.list("")).toEqual([]);
  });
});
