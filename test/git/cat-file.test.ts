import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchParser, type GitObject } from "../../src/git/cat-file.ts";

const oid = (index: number): string => index.toString(16).padStart(40, "0");

describe("the output of git cat-file --batch", () => {
  const blobs = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });

  it("is understood however it is cut into pieces", () => {
    fc.assert(
      fc.property(blobs, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (contents, cuts) => {
        const output = Buffer.concat(
          contents.flatMap((bytes, index) => [
            Buffer.from(`${oid(index)} blob ${bytes.length}\n`),
            bytes,
            Buffer.from("\n"),
          ]),
        );
        const found: [string, GitObject | null][] = [];
        const parse = batchParser(20, (id, object) => found.push([id, object]));
        for (let at = 0, turn = 0; at < output.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          parse(output.subarray(at, at + size));
          at += size;
        }
        expect(found.map(([id, object]) => [id, object && Buffer.from(object.bytes).toString("hex")])).toEqual(
          contents.map((bytes, index) => [oid(index), bytes.length > 20 ? null : Buffer.from(bytes).toString("hex")]),
        );
      }),
    );
  });

  it("leaves missing objects out and refuses other answers", () => {
    const found: string[] = [];
    const parse = batchParser(20, (id) => found.push(id));
    parse(Buffer.from(`${oid(1)} missing\n${oid(2)} blob 1\nx\n`));
    expect(found).toEqual([oid(2)]);
    expect(() => parse(Buffer.from("fatal: something else\n"))).toThrow(expect.objectContaining({ code: "LK1004" }));
  });
});
