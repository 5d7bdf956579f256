import fc from "fast-check";
import { CORE_SCHEMA, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import { readPolicy } from "../../src/core/policy.ts";
import type { CatalogEntry } from "../../src/core/types.ts";
import { parseYaml } from "../../src/core/yaml.ts";
import { file, labText, policyOf, shipped } from "./samples.ts";

const policy = policyOf();

/** Pieces that mean something to a YAML parser, so that random joins reach deep into it. */
const piece = fc.constantFrom(
  ..."- ,? ,: ,a,b: ,\n,\n  ,\n    ,[,],{,},\",',|\n,>-\n,&x ,*x,!t ,!!str ,<<: ,%YAML 1.2\n,---\n,...\n,# c\n,\t,1,0x1,.5,~,true,\\x41,\\u{,\ufeff,\u2028,\r,\r\n,é,😀,__proto__: ,4.20"
    .split(",")
    .concat(","),
);
const yamlish = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

/** A valid file with a few bytes changed, left out or repeated. */
const mutated = fc
  .array(fc.tuple(fc.nat(), fc.nat(2), fc.oneof(piece, fc.string({ unit: "binary", maxLength: 3 }))), { maxLength: 6 })
  .map((edits) =>
    edits.reduce((text, [where, much, put]) => {
      const at = where % (text.length + 1);
      return text.slice(0, at) + put + text.slice(at + much);
    }, labText()),
  );

const anything = fc.oneof(
  yamlish,
  mutated,
  fc.string({ unit: "binary" }),
  fc.json({ maxDepth: 6 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(piece, piece, fc.nat(3000)).map(([a, b, count]) => (a + b).repeat(count).slice(0, 65_536)),
);

const entryOf = (input: string | Uint8Array): Extract<CatalogEntry, { kind: "file" }> =>
  file("labs/team-a/test-01.yaml", input);

describe("whatever the input", () => {
  test("reading never throws, places are inside the file, and it ends soon", () => {
    fc.assert(
      fc.property(anything, (input) => {
        const started = performance.now();
        const document = parseYaml(input, "f.yaml");
        const lines = document.text.split(/\r\n|\r|\n/);
        for (const { line, column } of document.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 2);
        }
        expect(performance.now() - started).toBeLessThan(2000);
      }),
      { numRuns: Number(process.env["RUNS"] ?? 800) },
    );
  });

  test("a lab file is a document or has problems; both only where a new lab may not have what one that is there has", () => {
    fc.assert(
      fc.property(anything, (input) => {
        const { document, digest, problems, mayBe } = readLabFile(entryOf(input), policy);
        if (document === null) expect(problems.length).toBeGreaterThan(0);
        else expect(["LK2102", "LK2103", "LK2203"]).toEqual(expect.arrayContaining(problems.map(({ code }) => code)));
        expect(digest === null).toBe(document === null);
        expect(mayBe).toContain("test-01");
      }),
      { numRuns: 1000 },
    );
  });

  test("a catalog.yaml or profile never throws, and leaves the shipped profiles alone", () => {
    fc.assert(
      fc.property(anything, anything, (catalog, profile) => {
        const read = readPolicy([file("catalog.yaml", catalog), file("profiles/own.yaml", profile)], shipped);
        expect(read.policy === null ? read.problems.length : 1).toBeGreaterThan(0);
        expect(read.policy?.profiles.has("local-postgres") ?? true).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("problems are sorted by place", () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const { problems } = readLabFile(entryOf(text), policy);
        const order = problems.map(({ line, column }) => line * 100_000 + column);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });
});

const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

describe("against js-yaml's own loader", () => {
  test("what is accepted has the value that the core schema gives it", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(yamlish, mutated, fc.json({ maxDepth: 5 })), (text) => {
        const document = parseYaml(text, "f.yaml");
        if (document.problems.length > 0) return;
        accepted++;
        // An empty stream is an error to `load`; here it is an empty document, which every schema refuses.
        const [value = null] = loadAll(document.text, { schema: CORE_SCHEMA });
        expect(normal(document.value)).toEqual(normal(value));
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });

  test("what it refuses is refused", () => {
    fc.assert(
      fc.property(fc.oneof(yamlish, mutated), (text) => {
        try {
          loadAll(text.toWellFormed(), { schema: CORE_SCHEMA });
        } catch {
          expect(parseYaml(text, "f.yaml").problems).not.toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
