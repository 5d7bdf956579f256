import fc from "fast-check";
import { expect, it } from "vitest";
import { withTtlHours } from "../../src/core/lab-edit.ts";
import { parseYaml } from "../../src/core/yaml.ts";

const edited = (text: string, hours = 48): string | null => {
  const bytes = withTtlHours(new TextEncoder().encode(text), "labs/team-a/one.yaml", hours);
  return bytes === null ? null : new TextDecoder().decode(bytes);
};

it.each([
  ["a number", "spec:\n  ttlHours: 24\n  workers: 2\n", "spec:\n  ttlHours: 48\n  workers: 2\n"],
  ["a comment beside it", "spec:\n  ttlHours: 24   # a day\n", "spec:\n  ttlHours: 48   # a day\n"],
  ["no hours yet", "# mine\nspec:\n  profile: x # why\n", "# mine\nspec:\n  ttlHours: 48\n  profile: x # why\n"],
  ["Windows line ends", "spec:\r\n    profile: x\r\n", "spec:\r\n    ttlHours: 48\r\n    profile: x\r\n"],
  ["no line end at the end", "spec:\n  profile: x\n  ttlHours: 1", "spec:\n  profile: x\n  ttlHours: 48"],
  ["quotes", 'spec:\n  ttlHours: "24"\n', "spec:\n  ttlHours: 48\n"],
  ["an alias", "a: &a 24\nspec:\n  ttlHours: *a\n", "a: &a 24\nspec:\n  ttlHours: 48\n"],
])("sets the hours and keeps everything else: %s", (_, before, after) => expect(edited(before)).toBe(after));

it.each([
  ["a flow mapping on one line, without hours", "spec: {profile: x}\n"],
  ["no spec", "metadata:\n  name: x\n"],
  ["not YAML", "spec: [\n"],
  ["two documents", "spec:\n  ttlHours: 1\n---\nspec:\n  ttlHours: 2\n"],
])("refuses what it could not change safely: %s", (_, text) => expect(edited(text)).toBeNull());

it("never changes anything but the hours, however the file is written", () => {
  const key = fc.stringMatching(/^[a-z]{1,8}$/);
  const value = fc.oneof(fc.integer(), fc.boolean(), fc.string());
  fc.assert(
    fc.property(
      fc.dictionary(key, value, { minKeys: 1, maxKeys: 5 }),
      fc.option(fc.integer({ min: 1, max: 100 })),
      fc.integer({ min: 1, max: 8760 }),
      (fields, before, hours) => {
        const spec = { ...fields, ...(before === null ? {} : { ttlHours: before }) };
        const lines = Object.entries(spec).map(([name, each]) => `  ${name}: ${JSON.stringify(each)}`);
        const after = edited(`kind: Lab\nspec:\n${lines.join("\n")}\n`, hours);
        if (after !== null)
          expect(parseYaml(after, "x").value).toEqual({ kind: "Lab", spec: { ...spec, ttlHours: hours } });
      },
    ),
    { numRuns: 300 },
  );
});
