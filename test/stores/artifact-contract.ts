/** What every artifact store must do, whatever is behind it. */

import { createHash } from "node:crypto";
import { appendFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArtifactStore } from "../../src/ports.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (found: Uint8Array | null): string | null =>
  found === null ? null : new TextDecoder().decode(found);

/** A store of its own for one test. `again` answers another one on the same place, as another process would have it. */
export interface OpenStore extends AsyncDisposable {
  readonly artifacts: ArtifactStore;
  again(): ArtifactStore;
}

const BAD_KEYS = [
  "../x",
  "a/../../x",
  "/etc/passwd",
  "a//b",
  "a/./b",
  "a/",
  "",
  "a\0b",
  "a b",
  "ä",
  ".tmp/x",
  "x".repeat(201),
  "a\\b",
  "a~/b",
];

export function artifactContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name} as an artifact store`, () => {
    test("gives back what was put, to another process too", async () => {
      await using it = await open();
      await it.artifacts.put("labs/a/1/metadata.json", bytes("content"));
      expect(text(await it.again().get("labs/a/1/metadata.json"))).toBe("content");
      expect(await it.artifacts.get("labs/a/1/missing")).toBeNull();
      expect(await it.artifacts.get("labs/a")).toBeNull();
      expect(await it.artifacts.get("labs/a/1/metadata.json/below")).toBeNull();
    });

    test("keeps every byte", async () => {
      await using it = await open();
      let count = 0;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (content) => {
          const key = `blob/${count++}`;
          await it.artifacts.put(key, content);
          expect(Buffer.from((await it.artifacts.get(key)) ?? [1]).equals(content)).toBe(true);
        }),
        { numRuns: 20 },
      );
    });

    test("refuses other bytes under a key that is taken, and takes the same again", async () => {
      await using it = await open();
      await it.artifacts.put("labs/a/1/metadata.json", bytes("first"));
      await it.again().put("labs/a/1/metadata.json", bytes("first"));
      await expect(it.again().put("labs/a/1/metadata.json", bytes("second"))).rejects.toMatchObject({
        code: "LK6106",
        disposition: "stop",
      });
      expect(text(await it.artifacts.get("labs/a/1/metadata.json"))).toBe("first");
    });

    test("lets one of many writers win, and tells the others", async () => {
      await using it = await open();
      const stores = Array.from({ length: 8 }, () => it.again());
      const ends = await Promise.allSettled(stores.map((store, index) => store.put("same", bytes(String(index)))));
      const winners = ends.flatMap((end, index) => (end.status === "fulfilled" ? [String(index)] : []));
      expect(winners).toEqual([text(await it.artifacts.get("same"))]);
      for (const end of ends.filter(({ status }) => status === "rejected")) {
        expect(end).toMatchObject({ reason: { code: "LK6106" } });
      }
    });

    test("answers the rest from a byte on", async () => {
      await using it = await open();
      await it.artifacts.put("labs/a/data", bytes("0123456789"));
      const rest = async (from: number) => text(await it.artifacts.get("labs/a/data", from));
      expect([await rest(0), await rest(4), await rest(9), await rest(10), await rest(99)]).toEqual([
        "0123456789",
        "456789",
        "9",
        "",
        "",
      ]);
      expect(await it.artifacts.get("labs/a/none", 4)).toBeNull();
    });

    test("appends in order, and answers only what is new to who asks for it", async () => {
      await using it = await open();
      for (const part of ["one\n", "", "two ä\n", "three\n"]) await it.artifacts.append("labs/a/1/log", part);
      const whole = "one\ntwo ä\nthree\n";
      const again = it.again();
      expect(text(await again.get("labs/a/1/log"))).toBe(whole);
      const length = Buffer.byteLength(whole);
      for (let from = 0; from <= length + 1; from++) {
        const rest = await again.get("labs/a/1/log", from);
        expect(Buffer.from(rest ?? [1]).equals(Buffer.from(whole).subarray(from))).toBe(true);
      }
      await again.append("labs/a/1/log", "four\n");
      expect(text(await it.artifacts.get("labs/a/1/log", length))).toBe("four\n");
    });

    test("loses no line of writers side by side, and keeps each one's order", async () => {
      await using it = await open();
      const writers = [it.artifacts, it.again(), it.again()];
      await Promise.all(
        writers.map(async (store, writer) => {
          for (let line = 0; line < 8; line++) await store.append("labs/a/1/log", `${writer} ${line}\n`);
        }),
      );
      const lines = (text(await it.artifacts.get("labs/a/1/log")) ?? "").split("\n").filter(Boolean);
      for (const writer of writers.keys()) {
        const own = lines.filter((line) => line.startsWith(`${writer} `));
        expect(own).toEqual(Array.from({ length: 8 }, (_, line) => `${writer} ${line}`));
      }
      expect(lines).toHaveLength(24);
    });

    test("lists sorted, by whole segments, logs among them once", async () => {
      await using it = await open();
      for (const key of ["labs/b/data", "labs/a/2/data", "labs/ab/data"]) await it.artifacts.put(key, bytes(key));
      for (let line = 0; line < 3; line++) await it.artifacts.append("labs/a/1/log", "x");
      expect(await it.artifacts.list("labs/a")).toEqual(["labs/a/1/log", "labs/a/2/data"]);
      expect(await it.artifacts.list("labs/a/")).toEqual(["labs/a/1/log", "labs/a/2/data"]);
      expect(await it.artifacts.list("labs/a/1/log")).toEqual(["labs/a/1/log"]);
      expect(await it.artifacts.list("labs/a/2/data")).toEqual(["labs/a/2/data"]);
      expect(await it.artifacts.list("")).toEqual(["labs/a/1/log", "labs/a/2/data", "labs/ab/data", "labs/b/data"]);
      expect(await it.artifacts.list("nothing/here")).toEqual([]);
    });

    test("removes by whole segments, and never everything", async () => {
      await using it = await open();
      for (const key of ["labs/a/1/data", "labs/ab/data"]) await it.artifacts.put(key, bytes("x"));
      for (const key of ["labs/a/1/log", "labs/ab/log"]) await it.artifacts.append(key, "x");
      await it.artifacts.remove("labs/a");
      await it.artifacts.remove("labs/a");
      await it.artifacts.remove("labs/ab/data/below");
      expect(await it.artifacts.list("")).toEqual(["labs/ab/data", "labs/ab/log"]);
      await it.artifacts.remove("labs/ab/log");
      expect(await it.artifacts.list("")).toEqual(["labs/ab/data"]);
      for (const everything of ["", "/"]) {
        await expect(it.artifacts.remove(everything)).rejects.toMatchObject({ code: "LK6001" });
      }
      expect(await it.artifacts.list("")).toEqual(["labs/ab/data"]);
      await it.artifacts.put("labs/a/1/data", bytes("anew"));
      expect(text(await it.artifacts.get("labs/a/1/data"))).toBe("anew");
    });

    test.each(BAD_KEYS)("refuses the key %j for good", async (key) => {
      await using it = await open();
      const calls = [it.artifacts.put(key, bytes("x")), it.artifacts.get(key), it.artifacts.append(key, "x")];
      for (const end of await Promise.allSettled(calls)) {
        expect(end).toMatchObject({ status: "rejected", reason: { code: "LK6001", disposition: "stop" } });
      }
    });

    test("stores a file without its link, as it was measured, or not at all", async () => {
      await using it = await open();
      await using folder = await temporaryFolder();
      const path = join(folder.path, "big");
      const content = Buffer.alloc(300_000, "labkeeper ");
      const expected = { sha256: createHash("sha256").update(content).digest("hex"), size: content.length };
      await writeFile(path, content);
      const putFile = it.artifacts.putFile!;
      await putFile("labs/a/big", path, expected);
      expect(Buffer.from((await it.artifacts.get("labs/a/big")) ?? []).equals(content)).toBe(true);

      await appendFile(path, "what came after it was measured is left out");
      await putFile("labs/a/big", path, expected);
      await putFile("labs/b/big", path, expected);
      expect((await it.artifacts.get("labs/b/big"))?.length).toBe(content.length);

      await writeFile(path, Buffer.alloc(content.length, "something else"));
      await expect(putFile("labs/c/big", path, expected)).rejects.toMatchObject({ code: "LK6001" });
      const other = { sha256: createHash("sha256").update("x").digest("hex"), size: 1 };
      await writeFile(path, "x");
      await expect(putFile("labs/a/big", path, other)).rejects.toMatchObject({ code: "LK6106" });

      await symlink(path, join(folder.path, "link"));
      await expect(putFile("labs/d/big", join(folder.path, "link"), other)).rejects.toMatchObject({ code: "LK6001" });
      await expect(putFile("labs/d/big", join(folder.path, "none"), other)).rejects.toMatchObject({ code: "LK6001" });
      expect(await it.artifacts.list("")).toEqual(["labs/a/big", "labs/b/big"]);
    });
  });
}
