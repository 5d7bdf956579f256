/** How a log in objects is read: with how few requests, and that it is always the log. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bucket } from "../../src/cloud/aws/s3-bucket.ts";
import { chunkedLogs } from "../../src/cloud/aws/s3-log.ts";

const NAME = "labs/a/1/log";

/** A bucket in memory that counts what it is asked. */
function memory() {
  const objects = new Map<string, Buffer>();
  const asked = { list: 0, listed: 0, read: 0, create: 0 };
  const bucket: Bucket = {
    create: async (name, content) => {
      asked.create++;
      if (objects.has(name)) return "taken";
      objects.set(name, Buffer.from(content as Uint8Array));
      return "created";
    },
    read: async (name) => {
      asked.read++;
      return objects.get(name) ?? null;
    },
    list: async (prefix, after = "") => {
      asked.list++;
      const found = [...objects].filter(([name]) => name.startsWith(prefix) && name > after);
      asked.listed += found.length;
      return found.map(([name, { length }]) => ({ name, size: length })).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    remove: async (names) => {
      for (const name of names) objects.delete(name);
    },
    sign: async () => "",
  };
  const reset = (): void => {
    for (const key of ["list", "listed", "read", "create"] as const) asked[key] = 0;
  };
  return { objects, asked, bucket, reset };
}

const line = (n: number): Buffer => Buffer.from(`line ${n}\n`);
const appendAll = async (logs: ReturnType<typeof chunkedLogs>, from: number, to: number): Promise<void> => {
  for (let n = from; n < to; n++) await logs.append(NAME, line(n));
};
const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => line(from + index).toString()).join("");

describe("a long log", () => {
  test("does not take a request for each of its chunks", async () => {
    const { asked, bucket, objects, reset } = memory();
    await appendAll(chunkedLogs(bucket, 0), 0, 1_000);
    expect(objects.size).toBeGreaterThan(1_000);
    reset();
    expect((await chunkedLogs(bucket, 0).read(NAME, 0))?.toString()).toBe(linesOf(0, 1_000));
    expect(asked.list).toBe(1);
    expect(asked.read).toBeLessThan(80);
  });

  test("that is followed costs one question when there is nothing new, and one more for each new chunk", async () => {
    const { asked, bucket, reset } = memory();
    const [writer, reader] = [chunkedLogs(bucket, 0), chunkedLogs(bucket, 0)];
    await appendAll(writer, 0, 300);
    let read = (await reader.read(NAME, 0))?.length ?? 0;
    reset();
    expect(reader.follows(NAME, read)).toBe(true);
    expect((await reader.read(NAME, read))?.length).toBe(0);
    expect(asked).toEqual({ list: 1, listed: 0, read: 0, create: 0 });
    await appendAll(writer, 300, 303);
    reset();
    const fresh = await reader.read(NAME, read);
    expect(fresh?.toString()).toBe(linesOf(300, 303));
    expect(asked).toMatchObject({ list: 1, listed: 3, read: 3 });
    read += fresh?.length ?? 0;
    expect(reader.follows(NAME, read)).toBe(true);
    expect(reader.follows(NAME, read - 1)).toBe(false);
  });

  test("whose whole cannot be written is read by its chunks", async () => {
    const { bucket, objects } = memory();
    const broken: Bucket = {
      ...bucket,
      create: async (name, ...rest) => {
        if (/-\d{16}$/.test(name)) throw new Error("refused");
        return await bucket.create(name, ...rest);
      },
    };
    await appendAll(chunkedLogs(broken, 0), 0, 200);
    expect(objects.size).toBe(200);
    expect((await chunkedLogs(bucket, 0).read(NAME, 0))?.toString()).toBe(linesOf(0, 200));
  });

  test("with a missing chunk is read by the whole that has it, and damaged where there is none", async () => {
    const { bucket, objects } = memory();
    await appendAll(chunkedLogs(bucket, 0), 0, 70);
    const chunks = [...objects.keys()].filter((name) => /~\/\d{16}$/.test(name)).sort();
    objects.delete(chunks[3] ?? "");
    expect((await chunkedLogs(bucket, 0).read(NAME, 0))?.toString()).toBe(linesOf(0, 70));
    objects.delete(chunks[66] ?? "");
    await expect(chunkedLogs(bucket, 0).read(NAME, 0)).rejects.toMatchObject({ code: "LK6107" });
  });
});

test("whoever writes and from wherever it is read, it is the bytes in the order in which they were appended", async () => {
  const step = fc.record({ writer: fc.nat(2), size: fc.integer({ min: 1, max: 40_000 }), from: fc.nat(2_000_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 150 }), async (steps) => {
      const { bucket } = memory();
      const writers = [0, 1, 2].map(() => chunkedLogs(bucket, 0));
      const follower = chunkedLogs(bucket, 0);
      let followed = Buffer.alloc(0);
      let expected = Buffer.alloc(0);
      for (const [index, { writer, size, from }] of steps.entries()) {
        const bytes = Buffer.alloc(size, `${index} `);
        await writers[writer]?.append(NAME, bytes);
        expected = Buffer.concat([expected, bytes]);
        if (index % 7 !== 0) continue;
        const fresh = (await follower.read(NAME, followed.length)) ?? Buffer.alloc(0);
        followed = Buffer.concat([followed, fresh]);
        expect(followed.equals(expected)).toBe(true);
        const part = await chunkedLogs(bucket, 0).read(NAME, from);
        expect(part?.equals(expected.subarray(from))).toBe(true);
      }
    }),
    { numRuns: 15 },
  );
}, 60_000);
