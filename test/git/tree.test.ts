import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changedEntries, displayPath, parseTree, type TreeEntry } from "../../src/git/tree.ts";

type Row = readonly [mode: string, name: string | Buffer, oid: string];

const raw = (rows: readonly Row[]): Buffer =>
  Buffer.concat(
    rows.map(([mode, name, oid]) =>
      Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, "hex")]),
    ),
  );
const oid = (char: string): string => char.repeat(40);
const A = oid("a");

describe("parseTree", () => {
  it("reads every kind of entry, old modes too", () => {
    const rows: Row[] = [
      ["40000", "labs", A],
      ["100644", "a.yaml", A],
      ["100755", "b.yaml", A],
      ["100664", "c.yaml", A],
      ["120000", "link", A],
      ["160000", "module", A],
    ];
    const kinds = parseTree(raw(rows)).map(({ kind, name }) => `${name} ${kind}`);
    expect(kinds).toEqual([
      "labs tree",
      "a.yaml file",
      "b.yaml file",
      "c.yaml file",
      "link symlink",
      "module submodule",
    ]);
  });

  it.each([
    ["a.yaml", "a.yaml"],
    ["ä b\n.yaml", "ä b\n.yaml"],
    ["a\\b.yaml", "a\\b.yaml"],
    ["..", "\\x2e\\x2e"],
    [".", "\\x2e"],
    ["a/../b", "a\\x2f\\x2e\\x2e\\x2fb"],
    ["", "\\x00"],
    [Buffer.from([0x61, 0xff, 0x2e]), "a\\xff."],
  ])("names %j as %j", (name, expected) => {
    expect(parseTree(raw([["100644", name, A]]))[0]?.name).toBe(expected);
  });

  it("never yields a name that leads elsewhere", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 8 }).filter((bytes) => !bytes.includes(0)),
        (bytes) => {
          const name = parseTree(raw([["100644", Buffer.from(bytes), A]]))[0]?.name ?? "";
          expect(name).not.toMatch(/^\.{0,2}$|\/|\0/);
        },
      ),
    );
  });

  it.each([
    ["an entry cut short", raw([["100644", "a", A]]).subarray(0, 20)],
    ["no mode", Buffer.from(`\0${"x".repeat(20)}`)],
    ["an unknown mode", raw([["777", "a", A]])],
    ["text", Buffer.from("this is not a tree at all, but it is long enough")],
  ])("refuses %s", (_, bytes) => {
    expect(() => parseTree(bytes)).toThrow(expect.objectContaining({ code: "LK1004" }));
  });

  it("shows whole paths as it shows names", () => {
    expect(displayPath(Buffer.from("labs/ä/x.yaml").toString("latin1"))).toBe("labs/ä/x.yaml");
    expect(displayPath("labs/../\xff.yaml")).toBe("labs/\\x2e\\x2e/\\xff.yaml");
  });
});

describe("changedEntries", () => {
  const name = fc.constantFrom("a", "a.yaml", "a-b", "a0", "b", "b.yaml", "c", "ab", "z");
  const entry = fc.tuple(fc.constantFrom("40000", "100644", "120000"), fc.constantFrom(oid("a"), oid("b"), oid("0")));
  const tree = fc.dictionary(name, entry).map((rows): Row[] =>
    Object.entries(rows)
      .map(([key, [mode, id]]): Row => [mode, key, id])
      .sort(([modeA, a], [modeB, b]) => (sortKey(modeA, a) < sortKey(modeB, b) ? -1 : 1)),
  );
  const sortKey = (mode: string, key: string | Buffer): string => (mode === "40000" ? `${key}/` : String(key));
  const show = ({ key, kind, oid }: TreeEntry): string => `${key} ${kind} ${oid}`;

  it("finds what comparing all entries finds", () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const [old, now] = [raw(before), raw(after)];
        const changed = changedEntries(old, now);
        const [oldAll, nowAll] = [parseTree(old).map(show), parseTree(now).map(show)];
        expect(changed.before.map(show).sort()).toEqual(oldAll.filter((row) => !nowAll.includes(row)).sort());
        expect(changed.after.map(show).sort()).toEqual(nowAll.filter((row) => !oldAll.includes(row)).sort());
      }),
      { numRuns: 500 },
    );
  });
});
