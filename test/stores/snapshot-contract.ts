/** A folder of files as artifacts, on every artifact store. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ArtifactStore } from "../../src/ports.ts";
import { loadSnapshot, newestSnapshot, type SnapshotSource, saveSnapshot } from "../../src/provisioners/snapshot.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";
import { bytes, type OpenStore, text } from "./artifact-contract.ts";

const PREFIX = "labs/a/1/install-state";
const files = (entries: Record<string, string>): Map<string, SnapshotSource> =>
  new Map(Object.entries(entries).map(([path, content]) => [path, bytes(content)]));
const newest = async (artifacts: ArtifactStore): Promise<ReadonlyMap<string, Uint8Array> | null> => {
  const ref = await newestSnapshot(artifacts, PREFIX);
  return ref === null ? null : await loadSnapshot(artifacts, PREFIX, ref);
};
const loaded = async (artifacts: ArtifactStore): Promise<Record<string, string | null> | null> => {
  const found = await newest(artifacts);
  return found && Object.fromEntries([...found].map(([path, content]) => [path, text(content)]));
};

/** As if the process had been killed before its nth write. */
const dyingAt = (artifacts: ArtifactStore, write: number): ArtifactStore => {
  let count = 0;
  return {
    ...artifacts,
    put: async (key, content) => {
      if (++count >= write) throw new Error("killed");
      await artifacts.put(key, content);
    },
  };
};

export function snapshotContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`a snapshot on ${name}`, () => {
    const first = {
      "metadata.json": "{}",
      "auth/kubeconfig": "one",
      ".openshift_install_state.json": "",
      "tls/a.key": "k",
    };
    const second = { ...first, "auth/kubeconfig": "two", "auth/kubeadmin-password": "p" };

    test("is there whole, to another process too, and the newest counts", async () => {
      await using it = await open();
      expect(await loaded(it.artifacts)).toBeNull();
      await saveSnapshot(it.artifacts, PREFIX, files(first));
      expect(await loaded(it.again())).toEqual(first);
      await saveSnapshot(it.artifacts, PREFIX, files(first));
      await saveSnapshot(it.again(), PREFIX, files(second));
      expect(await loaded(it.artifacts)).toEqual(second);
    });

    test("takes files from the disk", async () => {
      await using it = await open();
      await using folder = await temporaryFolder();
      await writeFile(join(folder.path, "state"), "from the disk");
      await writeFile(join(folder.path, "big"), Buffer.alloc(9_000_000, "labkeeper"));
      const sources = new Map([
        ["state", join(folder.path, "state")],
        ["logs/big", join(folder.path, "big")],
      ]);
      await saveSnapshot(it.artifacts, PREFIX, sources);
      const found = await newest(it.again());
      expect([text(found?.get("state") ?? null), found?.get("logs/big")?.length]).toEqual(["from the disk", 9_000_000]);
    });

    test("that was cut off anywhere is never read, and can be stored again", async () => {
      await using it = await open();
      await saveSnapshot(it.artifacts, PREFIX, files(first));
      for (let write = 1; write <= 6; write++) {
        await expect(saveSnapshot(dyingAt(it.artifacts, write), PREFIX, files(second))).rejects.toThrow("killed");
        expect(await loaded(it.again())).toEqual(first);
      }
      await saveSnapshot(it.again(), PREFIX, files(second));
      expect(await loaded(it.artifacts)).toEqual(second);
    });

    test("of two writers at once is one of theirs, whole", async () => {
      await using it = await open();
      const contents = Array.from({ length: 4 }, (_, index) => ({ a: `${index}`, b: `also ${index}`, common: "same" }));
      await Promise.all(contents.map((content) => saveSnapshot(it.again(), PREFIX, files(content))));
      expect(contents).toContainEqual(await loaded(it.artifacts));
    });

    test("is the one that its reference names, whatever is stored after it", async () => {
      await using it = await open();
      const ref = await saveSnapshot(it.artifacts, PREFIX, files(first));
      const other = await saveSnapshot(it.again(), PREFIX, files(second));
      expect(other).not.toBe(ref);
      expect(await newestSnapshot(it.artifacts, PREFIX)).toBe(other);
      const found = await loadSnapshot(it.again(), PREFIX, ref);
      expect(found?.size).toBe(Object.keys(first).length);
      expect(text(found?.get("auth/kubeconfig") ?? null)).toBe("one");
    });

    test("is not read by a reference to another one, to nothing, or to no snapshot at all", async () => {
      await using it = await open();
      const ref = await saveSnapshot(it.artifacts, PREFIX, files(first));
      const other = await saveSnapshot(it.artifacts, PREFIX, files(second));
      const damaged = { code: "LK6107", disposition: "stop" };
      const mixed = `${ref.split("@")[0]}@${other.split("@")[1]}`;
      await expect(loadSnapshot(it.artifacts, PREFIX, mixed)).rejects.toMatchObject(damaged);
      expect(await loadSnapshot(it.artifacts, PREFIX, ref.replace("000001", "000009"))).toBeNull();
      for (const bad of ["", "000001", "../../x@y", ref.slice(1), `${ref}0`]) {
        await expect(loadSnapshot(it.artifacts, PREFIX, bad)).rejects.toMatchObject(damaged);
      }
    });

    test("with a missing, exchanged or wrong part is damaged, not absent", async () => {
      await using it = await open();
      await saveSnapshot(it.artifacts, PREFIX, files({ a: "one", b: "two" }));
      const objects = await it.artifacts.list(`${PREFIX}/objects`);
      const [manifest = ""] = await it.artifacts.list(`${PREFIX}/manifests`);
      const damaged = { code: "LK6107", disposition: "stop" };
      const contentOf = new Map<string, Uint8Array>();
      for (const key of [...objects, manifest]) contentOf.set(key, (await it.artifacts.get(key)) ?? bytes(""));
      const good = contentOf.get(objects[0] ?? "") ?? bytes("");
      for (const key of objects) {
        await it.artifacts.remove(key);
        await expect(newest(it.artifacts)).rejects.toMatchObject(damaged);
        await it.artifacts.put(key, bytes("six"));
        await expect(newest(it.artifacts)).rejects.toMatchObject(damaged);
        await it.artifacts.remove(key);
        await it.artifacts.put(key, contentOf.get(key) ?? good);
      }
      expect(await loaded(it.artifacts)).toEqual({ a: "one", b: "two" });
      const manifestText = text(contentOf.get(manifest) ?? null) ?? "";
      for (const bad of ["", "{}", manifestText.slice(0, -20), manifestText.replace('"a"', '"../a"')]) {
        await it.artifacts.remove(manifest);
        await it.artifacts.put(manifest, bytes(bad));
        await expect(newest(it.artifacts)).rejects.toMatchObject(damaged);
      }
    });

    test("that is empty or unsafe is not stored, and leaves the one before", async () => {
      await using it = await open();
      await saveSnapshot(it.artifacts, PREFIX, files(first));
      for (const bad of [{}, { "../x": "" }, { "/etc/x": "" }, { "a\\b": "" }, { a: "", "a/b": "" }]) {
        await expect(saveSnapshot(it.artifacts, PREFIX, files(bad))).rejects.toMatchObject({
          code: "LK6001",
          disposition: "stop",
        });
      }
      expect(await loaded(it.artifacts)).toEqual(first);
    });
  });
}
