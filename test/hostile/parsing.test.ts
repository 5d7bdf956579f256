/** What a lab file may be made of. Each row: a class, the input, and whether it is the same lab as ever or refused, and as what. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import { readPolicy } from "../../src/core/policy.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { loadSnapshot, saveSnapshot } from "../../src/provisioners/snapshot.ts";
import { restoreFolder } from "../../src/provisioners/snapshot-folder.ts";
import { file, labText, policyOf } from "../documents/samples.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";
import { bytes } from "../stores/artifact-contract.ts";

const policy = policyOf();
const PATH = "labs/team-a/test-01.yaml";
const plain = labText();
const sane = readLabFile(file(PATH, plain), policy);
const raw = (...values: number[]): Buffer => Buffer.from(values);

const aliasBomb = (form: (before: string) => string): string =>
  Array.from(
    { length: 12 },
    (_, level) => `b${level}: &b${level} ${level === 0 ? "{k: v}" : form(`*b${level - 1}`)}`,
  ).join("\n");

const REFUSED: readonly (readonly [what: string, code: string, input: string | Uint8Array])[] = [
  ["an alias bomb of lists", "LK2002", aliasBomb((before) => `[${Array(9).fill(before).join(", ")}]`)],
  [
    "an alias bomb of mappings",
    "LK2002",
    aliasBomb((before) => `{a: ${before}, b: ${before}, c: ${before}, d: ${before}}`),
  ],
  ["a merge bomb", "LK2002", aliasBomb((before) => `{<<: [${Array(9).fill(before).join(", ")}]}`)],
  ["one merge key", "LK2002", `${plain}  tags: {<<: {a: b}}\n`],
  ["an alias to itself", "LK2002", "a: &a {b: *a}\n"],
  ["lists nested a thousand deep", "LK2001", "[".repeat(1_000)],
  ["mappings nested fifty deep", "LK2002", `${"{a: ".repeat(50)}1${"}".repeat(50)}`],
  [
    "blocks nested a hundred deep",
    "LK2001",
    Array.from({ length: 150 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
  ],
  ["sixty thousand brackets that never close", "LK2001", "[{".repeat(30_000)],
  ["__proto__ as a field", "LK2002", `${plain}__proto__: {isAdmin: true}\n`],
  ["constructor as a tag", "LK2002", `${plain}  tags: {constructor: x}\n`],
  ["prototype, quoted and escaped", "LK2002", `${plain}  tags: {"\\x70rototype": x}\n`],
  ["toString as a field of the file", "LK2004", `${plain}toString: 1\n`],
  ["a list instead of the file", "LK2004", "- a\n- b\n"],
  ["text instead of the file", "LK2004", "just text"],
  ["nothing", "LK2004", ""],
  ["a number instead of the file", "LK2004", "42"],
  ["metadata that is a list", "LK2004", plain.replace(/metadata:\n(?: {2}.*\n)+/, "metadata: [a]\n")],
  ["a name that is a number", "LK2004", plain.replace("test-01", "7")],
  ["a name that is a date", "LK2004", plain.replace("test-01", "{a: b}")],
  ["a lifetime that is infinite", "LK2002", plain.replace("24", ".inf")],
  ["a lifetime that is no number", "LK2002", plain.replace("24", ".nan")],
  ["a lifetime that overflows", "LK2004", plain.replace("24", "1e999")],
  ["a lifetime below nothing", "LK2004", plain.replace("24", "-1")],
  ["a lifetime in words", "LK2004", plain.replace("24", "forever")],
  ["JavaScript's own types", "LK2002", plain.replace("octocat", "!!js/function 'x'")],
  ["binary data", "LK2002", plain.replace("octocat", "!!binary b2N0b2NhdA==")],
  ["a set", "LK2002", plain.replace("octocat", "!!set {a, b}")],
  ["UTF-16 with its mark", "LK2003", Buffer.from(`\ufeff${plain}`, "utf16le")],
  ["UTF-16 without a mark", "LK2003", Buffer.from(plain, "utf16le")],
  ["UTF-32", "LK2003", Buffer.concat([raw(0xff, 0xfe, 0, 0), Buffer.from(plain)])],
  ["UTF-7", "LK2001", "+AEE- b: [\n"],
  ["overlong UTF-8", "LK2003", Buffer.concat([Buffer.from(plain), raw(0xc0, 0xaf)])],
  ["half of a surrogate pair", "LK2003", Buffer.concat([Buffer.from(plain), raw(0xed, 0xa0, 0x80)])],
  ["NUL at the end", "LK2003", `${plain}\0`],
  ["NUL, escaped", "LK2004", plain.replace("octocat", '"octo\\0cat"')],
  ["a terminal's command", "LK2001", plain.replace("octocat", "\u001b[2J")],
  ["more than 64 KiB", "LK2003", `${plain}# ${"x".repeat(65_536)}\n`],
  ["ten thousand fields", "LK2004", plain + Array.from({ length: 4_000 }, (_, index) => `f${index}: 1`).join("\n")],
  ["more values than a document may have", "LK2002", `${plain}  tags: {a: [${"1,".repeat(12_000)}]}\n`],
  ["a Git LFS pointer", "LK2004", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"],
  ["a merge's conflict", "LK2001", plain.replace("octocat\n", "octocat\n<<<<<<< HEAD\n=======\n>>>>>>> other\n")],
  ["a template", "LK2001", plain.replace("octocat", "{{ .Values.owner }")],
  ["JSON with comments", "LK2004", '{"a": 1, /* b */ }'],
];

test.each(REFUSED)("%s is refused as %s, and stands for its file's name alone or the name in it", (_, code, input) => {
  const read = readLabFile(file(PATH, input), policy);
  expect(read.document).toBeNull();
  expect(read.problems.map((problem) => problem.code)).toContain(code);
  expect(read.problems.length).toBeLessThanOrEqual(100);
  expect(read.mayBe).toContain("test-01");
  for (const { message } of read.problems) expect(message).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
});

const SAME: readonly (readonly [what: string, input: string | Uint8Array])[] = [
  ["a byte order mark", `\ufeff${plain}`],
  ["Windows' line ends", plain.replaceAll("\n", "\r\n")],
  ["old Macintosh line ends", plain.replaceAll("\n", "\r")],
  ["mixed line ends and no last one", plain.replaceAll("\n", "\r\n").replace("\r\n", "\n").trimEnd()],
  ["comments and empty lines", `# one\n\n${plain.replaceAll("\n", " # x\n")}\n\n`],
  ["a document's marks", `---\n${plain}...\n`],
  ["JSON", JSON.stringify(sane.document)],
  ["a thousand spaces", plain.replaceAll(": ", `: ${" ".repeat(1_000)}`)],
];

test.each(SAME)("%s makes no other lab of it", (_, input) => {
  const read = readLabFile(file(PATH, input), policy);
  expect(read.problems).toEqual([]);
  expect(read.digest).toBe(sane.digest);
});

describe("paths", () => {
  test.each([
    "labs/../labs/team-a/test-01.yaml",
    "labs/./team-a/test-01.yaml",
    "labs//team-a/test-01.yaml",
    "labs/team-a/../../etc/passwd",
    "labs/team-a/..\\..\\test-01.yaml",
    "labs/team-a/C:test-01.yaml",
    "labs/team-a/test-01.yaml/",
    "labs/team-a/test-01.yaml.yaml",
    "labs/team-a/%2e%2e.yaml",
    "labs/team-a/test-01\0.yaml",
    "labs/te\u0301am-a/test-01.yaml",
    "labs/.git/test-01.yaml",
    "labs/--team/test-01.yaml",
  ])("%j is no lab's place, whatever the file says", (path) => {
    const { document, problems } = readLabFile(file(path, plain), policy);
    expect(document).toBeNull();
    expect(problems.map(({ code }) => code)).toContain("LK2006");
  });

  test.each(["/etc/x", "profiles/../x", "x/profiles/y"])("a profile %s is never another one's file", (path) => {
    const { policy: read } = readPolicy([file("catalog.yaml", "spec: {}"), file(`${path}.yaml`, plain)], []);
    expect(read).toBeNull();
  });
});

describe("what comes back from the artifact store", () => {
  const HARD = [
    "con",
    "aux.txt",
    "nul",
    " leading",
    "trailing ",
    "dots...",
    "~",
    "-rf",
    "$(x)",
    "`x`",
    "é/\u0065\u0301",
    "*",
    "a'b\"c",
    "\u202ex",
    "😀",
  ];

  test("names that are hard on other systems or in shells come back as they were, and nowhere else", async () => {
    await using it = await temporaryFolder();
    const artifacts = folderArtifacts(join(it.path, "artifacts"));
    const ref = await saveSnapshot(artifacts, "labs/a/state", new Map(HARD.map((name) => [name, bytes(name)])));
    const target = join(it.path, "work");
    await mkdir(target);
    await writeFile(join(it.path, "canary"), "untouched");
    await restoreFolder(target, (await loadSnapshot(artifacts, "labs/a/state", ref)) ?? new Map());
    for (const name of HARD) expect(await readFile(join(target, name), "utf8")).toBe(name);
    expect((await readdir(it.path)).sort()).toEqual(["artifacts", "canary", "work"]);
  });

  test("a name that no file system takes is an error, not half a folder that looks whole", async () => {
    await using it = await temporaryFolder();
    const files = new Map([["x".repeat(300), bytes("x")]]);
    await expect(restoreFolder(join(it.path, "work"), files)).rejects.toMatchObject({ code: "LK6001" });
  });
});
