import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import type { CatalogEntry, DesiredFile } from "../../src/core/types.ts";
import { file, labText, places, policyOf, profileText } from "./samples.ts";

const policy = policyOf();

const read = (text: string, path = "labs/team-a/test-01.yaml"): DesiredFile => readLabFile(file(path, text), policy);

test("a valid file is its document, named and digested", () => {
  const lab = read(labText());
  expect(lab).toMatchObject({ name: "test-01", mayBe: ["test-01"], team: "team-a", problems: [] });
  expect(lab.document?.spec.version).toBe("4.20.3");
  expect(lab.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test("the digest names the content, not how or where it is written", () => {
  const lab = read(labText());
  const reordered = labText({
    "  owner: octocat\n": "",
    "  name: test-01\n": '  owner: "octocat" # me\n  name: test-01\n',
  });
  expect(read(reordered, "labs/team-a/test-01.yml").digest).toBe(lab.digest);
  expect(read(labText({ "ttlHours: 24": "ttlHours: 25" })).digest).not.toBe(lab.digest);
});

describe("one mistake, one problem, at its place", () => {
  test.each([
    ["misspelt field", { "owner:": "ownr:" }, "6:3 LK2004", 'unknown field "ownr" in metadata; did you mean owner?'],
    ["missing field", { "  owner: octocat\n": "" }, "3:1 LK2004", "metadata.owner is missing"],
    ["misplaced field", { "spec:": "ttlHours: 3\nspec:" }, "8:1 LK2004", "it belongs to spec"],
    ["unknown field", { "spec:": "spec:\n  colour: red" }, "9:3 LK2004", "known are profile, version"],
    ["version as number", { '"4.20.3"': "4.20" }, "10:12 LK2008", "4.20 is read as the number 4.2"],
    ["version as whole number", { '"4.20.3"': "4" }, "10:12 LK2008", "quote it"],
    ["number in quotes", { "ttlHours: 24": 'ttlHours: "24"' }, "12:13 LK2004", "remove the quotes"],
    ["text for a switch", { "ttlHours: 24": "protect: yes" }, "12:12 LK2004", "must be true or false"],
    ["no life at all", { "ttlHours: 24": "ttlHours: 0" }, "12:13 LK2004", "must be at least 1"],
    ["half an hour", { "ttlHours: 24": "ttlHours: 0.5" }, "12:13 LK2004", "must be a whole number"],
    ["longer than the profile", { "ttlHours: 24": "ttlHours: 73" }, "12:13 LK2103", "must be at most 72"],
    ["longer than anything", { "ttlHours: 24": "ttlHours: 9000" }, "12:13 LK2004", "must be at most 8760"],
    ["too many workers", { "ttlHours: 24": "workers: 4" }, "12:12 LK2103", "must be at most 3"],
    ["region not offered", { "us-east-1": "us-esat-1" }, "11:11 LK2103", 'did you mean "us-east-1"?'],
    ["version not offered", { "4.20.3": "4.1.0" }, "10:12 LK2103", 'must be one of "4.18.30"'],
    ["half a version", { "4.20.3": "4.20" }, "10:12 LK2004", "must be a full version"],
    ["unknown profile", { "aws-minimal-test": "aws-minimal-tset" }, "9:12 LK2101", "did you mean aws-minimal-test?"],
    ["other kind", { "kind: Lab": "kind: Lap" }, "2:7 LK2004", 'must be one of "Lab"'],
    ["other version", { "labkeeper.dev/v1": "labkeeper.dev/v2" }, "1:13 LK2004", 'must be one of "labkeeper.dev/v1"'],
    ["empty value", { "owner: octocat": "owner:" }, "6:3 LK2004", "must be text, not empty"],
    ["tag as number", { "ttlHours: 24": "tags: {year: 2026}" }, "12:16 LK2004", "quote it"],
    ["tag that another owns", { "ttlHours: 24": 'tags: {"kubernetes.io/x": y}' }, "12:10 LK2004", "may not start with"],
    ["tag of Amazon's", { "ttlHours: 24": 'tags: {"AWS:x": y}' }, "12:10 LK2004", "may not start with"],
    ["markup in a login", { octocat: '"@here <b>"' }, "6:10 LK2004", "must be a GitHub login"],
    ["new line in a value", { sandbox: '"a\\n::error::b"' }, "7:15 LK2004", "may have letters"],
    ["name that is no label", { "name: test-01": "name: Test_01" }, "4:9 LK2004", "must be a DNS label"],
    ["other name than the file", { "name: test-01": "name: test-02" }, "4:9 LK2007", "the file is named test-01"],
    ["other team than the folder", { "team: team-a": "team: team-b" }, "5:9 LK2007", "the folder is team-a"],
  ])("%s", (_name, changes, place, message) => {
    const { document, problems } = read(labText(changes));
    // What is chosen once refuses new labs only, so its file still says something of a lab that is there.
    if (!_name.endsWith("not offered")) expect(document).toBeNull();
    expect(places(problems)).toEqual([place]);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.remedy).not.toBe("");
  });

  test("a profile without regions takes none", () => {
    const { problems } = read(labText({ "aws-minimal-test": "local-postgres", '  version: "4.20.3"\n': "" }));
    expect(places(problems)).toEqual(["10:11 LK2103"]);
    expect(problems[0]?.message).toContain("profile local-postgres has no regions");
  });

  test("a disabled profile", () => {
    const { problems } = read(
      labText({ "aws-minimal-test": "ibm-standard", "us-east-1": "us-south" }, "  tags: {purpose: x}\n"),
    );
    expect(places(problems)).toEqual(["9:12 LK2102"]);
  });

  test("an unknown team", () => {
    const { problems } = read(labText({ "team: team-a": "team: team-z" }), "labs/team-z/test-01.yaml");
    expect(places(problems)).toEqual(["5:9 LK2202"]);
  });

  test("a profile that the team may not use", () => {
    const { problems } = read(labText({ "team: team-a": "team: team-b" }), "labs/team-b/test-01.yaml");
    expect(places(problems)).toEqual(["9:12 LK2203"]);
  });

  test("a name that the cloud's installer would refuse", () => {
    const name = "a".repeat(55);
    const { problems } = read(labText({ "test-01": name }), `labs/team-a/${name}.yaml`);
    expect(places(problems)).toEqual(["4:9 LK2103"]);
  });

  test("all of them at once, in the order of the file", () => {
    const { problems } = read(labText({ "owner:": "ownr:", '"4.20.3"': "4.20", "us-east-1": "mars-1", "24": "99" }));
    expect(places(problems)).toEqual(["6:3 LK2004", "10:12 LK2008", "11:11 LK2103", "12:13 LK2103"]);
  });
});

describe("what a profile of the catalog's own asks for", () => {
  const own = (changes: Record<string, string>, text: string): DesiredFile => {
    const withOwn = policyOf(undefined, file("profiles/own.yaml", profileText(changes)));
    return readLabFile(file("labs/team-a/test-01.yaml", text), withOwn);
  };
  const text = labText({ "aws-minimal-test": "own", '  version: "4.20.3"\n': "" });

  test("tags that it requires", () => {
    expect(places(own({ "required: []": "required: [purpose]" }, text).problems)).toEqual(["8:1 LK2103"]);
    expect(own({ "required: []": "required: [purpose]" }, `${text}  tags: {purpose: x}\n`).problems).toEqual([]);
    expect(own({ "required: [], defaults: {}": "required: [p], defaults: {p: x}" }, text).problems).toEqual([]);
  });

  test("tags that it does not allow", () => {
    const { problems } = own({ "allowUserTags: true": "allowUserTags: false" }, `${text}  tags: {purpose: x}\n`);
    expect(places(problems)).toEqual(["12:9 LK2103"]);
  });

  test("no time to live but its own", () => {
    const fixed = { "defaultTTLHours: 24": "defaultTTLHours: 24, allowCustomTTL: false" };
    expect(own(fixed, text).problems).toEqual([]);
    expect(places(own(fixed, text.replace("24", "12")).problems)).toEqual(["11:13 LK2103"]);
  });

  test("no more than it may cost", () => {
    const cheap = { "estimatedHourlyCost: 1": "estimatedHourlyCost: 1, maxMonthlyCost: 30" };
    expect(own(cheap, text).problems).toEqual([]);
    expect(places(own(cheap, text.replace("24", "31")).problems)).toEqual(["9:3 LK2103"]);
    expect(places(own(cheap, `${text}  workers: 3\n`).problems)).toEqual(["9:3 LK2103"]);
  });

  test("an unusable one concerns its own labs only", () => {
    const withOwn = policyOf(undefined, file("profiles/own.yaml", "apiVersion: [\n"));
    const [mine, other] = [text, labText()].map((content) =>
      readLabFile(file("labs/team-a/test-01.yaml", content), withOwn),
    );
    expect(places(mine?.problems ?? [])).toEqual(["9:12 LK2302"]);
    expect(other?.problems).toEqual([]);
  });
});

describe("paths", () => {
  test.each([
    ["labs/test-01.yaml", "in no team's folder"],
    ["labs/team-a/deeper/test-01.yaml", "below its team's"],
    ["labs/team-a/Test-01.yaml", "not a DNS label"],
    ["labs/team-a/-x.yaml", "not a DNS label"],
    ["labs/team-a/.hidden.yaml", "not a DNS label"],
    ["labs/team-a/test 01.yaml", "not a DNS label"],
    ["labs/team-a/a\u001b[2J\n::error::.yaml", "not a DNS label"],
    ["labs/team-a/..yaml", "not a DNS label"],
    ["labs/Team A/test-01.yaml", "folder Team A"],
    ["labs/../test-01.yaml", "folder .."],
    ["labs/team-a/test-01.yaml ", "does not end in .yaml"],
    ["labs/team-a/test-01.YAML", "does not end in .yaml"],
    ["labs/team-a/test-01.json", "does not end in .yaml"],
    [`labs/team-a/${"a".repeat(64)}.yaml`, "not a DNS label"],
  ])("%j is refused", (path, message) => {
    const { document, problems } = read(labText(), path);
    expect(document).toBeNull();
    expect(places(problems)).toContain("1:1 LK2006");
    expect(problems.map((problem) => problem.message).join()).toContain(message);
    expect(problems.map((problem) => problem.message).join()).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe("what a refused file may stand for", () => {
  test.each([
    ["broken syntax", "metadata:\n  name: old-lab\n  team: [\n"],
    ["a duplicate key", "metadata:\n  name: old-lab\n  team: a\n  team: b\n"],
    ["a wrong shape", "metadata:\n  name: old-lab\n"],
    ["quotes", "metadata:\n  'name': \"old-lab\"\n  team: [\n"],
  ])("%s: its file's name and the name in it", (_name, text) => {
    expect(read(text, "labs/team-a/new-lab.yaml").mayBe).toEqual(["new-lab", "old-lab"]);
  });

  test("nothing readable: its file's name", () => {
    expect(readLabFile(file("labs/team-a/x.yaml", new Uint8Array([0, 1, 2])), policy).mayBe).toEqual(["x"]);
  });

  test.each([
    ["symlink", "LK2005"],
    ["submodule", "LK2005"],
    ["too-large", "LK2003"],
  ] as const)("%s", (why, code) => {
    const entry: CatalogEntry = { path: "labs/team-a/x.yaml", kind: "refused", blobOid: "", why };
    const lab = readLabFile(entry, policy);
    expect(lab).toMatchObject({ name: "x", mayBe: ["x"], team: "team-a", document: null });
    expect(places(lab.problems)).toEqual([`1:1 ${code}`]);
  });

  test("a link in the place of a team's folder stands for that team", () => {
    const entry: CatalogEntry = { path: "labs/team-a", kind: "refused", blobOid: "", why: "symlink" };
    expect(readLabFile(entry, policy).team).toBe("team-a");
  });
});
