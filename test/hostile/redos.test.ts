/** No text makes a regular expression cost more than its length: every one of the sources and of the schemas is attacked. */

import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import { failureScan } from "../../src/core/openshift/failures.ts";
import { progressOf } from "../../src/core/openshift/progress.ts";
import { infraIdInName, namedAfter } from "../../src/core/ownership.ts";
import { redactor } from "../../src/core/redact.ts";
import { escapeMarkdown, escapeTerminal } from "../../src/core/render-escape.ts";
import { schemaFields } from "../../src/core/schema-explain.ts";
import { catalogSchema, labSchema, profileSchema } from "../../src/core/schema-validators.ts";
import { parseYaml } from "../../src/core/yaml.ts";
import { redactText } from "../../src/log.ts";
import { failureMessage, parseObserve } from "../../src/provisioners/exec-answer.ts";
import { lineReader, readLine } from "../../src/provisioners/log-lines.ts";
import { file, policyOf } from "../documents/samples.ts";
import { superlinear } from "./growth.ts";
import { type Attack, attacksOn } from "./pumping.ts";
import { type Found, regularExpressions, schemaPatterns } from "./regexps.ts";

/** The first attack that an expression falls for; null when none works. */
const weakness = ({ pattern, flags }: Pick<Found, "pattern" | "flags">): string | null => {
  const expression = new RegExp(pattern, flags);
  for (const attack of attacksOn(pattern, flags)) {
    const why = superlinear((text) => text.replace(expression, ""), attack);
    if (why !== null) return why;
  }
  return null;
};

const weaknesses = (found: readonly Found[]): string[] =>
  found.flatMap((each) => {
    const why = weakness(each);
    return why === null ? [] : [`${each.name}: ${why}`];
  });

const { literals, built } = regularExpressions();

test("every expression written in the sources costs what its text is long", { timeout: 180_000 }, () => {
  expect(literals.length).toBeGreaterThan(100);
  expect(weaknesses(literals)).toEqual([]);
});

test("every pattern of the JSON Schemas does, too", { timeout: 60_000 }, () => {
  const patterns = schemaPatterns();
  expect(patterns.length).toBeGreaterThan(15);
  expect(weaknesses(patterns)).toEqual([]);
});

test("no document can bring a pattern of its own", () => {
  const fields = [catalogSchema, labSchema, profileSchema].flatMap((schema) => [...schemaFields(schema)]);
  expect(fields.length).toBeGreaterThan(40);
  expect(fields.filter((field) => /pattern|regex|expression|match|glob/i.test(field))).toEqual([]);
});

test.each([
  ["nested repetition", "^(a+)+$", ""],
  ["two ways to the same text", "^(?:a|a)*$", ""],
  ["an end that is looked for from every start", "\\s+$", ""],
  ["neighbours that share a character", "a[a-z]*[a-y]*[0-9]", ""],
  ["a prefix before it", "^key=[ ]*[ ]*[ ]*;", ""],
  ["a repetition of what begins it", '"auth".*"end"', "g"],
])("the attacks find %s", (_, pattern, flags) => {
  expect(weakness({ pattern, flags })).not.toBeNull();
});

describe("expressions that are put together when the program runs", () => {
  test("are in few known files, each of a fixed shape or attacked below by what it reads", () => {
    expect([...new Set(built)]).toEqual([
      // An escape character before digits: written together because no source holds such a character.
      "core/markdown/code.ts",
      "core/ownership.ts",
      "core/redact.ts",
      "git/local-repository.ts",
      // A number inside a fixed path.
      "github/comments.ts",
      // Terminal sequences, which begin with such a character too.
      "provisioners/log-lines.ts",
    ]);
  });

  test("of a git folder's configuration", () => {
    for (const extension of ["objectformat", "refstorage"])
      expect(weakness({ pattern: `^[ \\t]*${extension}[ \\t]*=[ \\t]*"?(\\w+)`, flags: "im" })).toBeNull();
  });
});

/** Texts that mean something to whoever reads logs, answers or documents. */
const PUMPS = [
  ..." \n\r\t\u001b\0:@#/=-_.<`|[]{}\"'\\é\u202e",
  "\r\n",
  "://",
  "://a:",
  "://a:b@",
  "password=",
  "Bearer ",
  "eyJ",
  "AKIA",
  "-----BEGIN PRIVATE KEY-----",
  "-----END ",
  "aaaaa-",
  "gh-1",
  ":a",
  "www.",
  "mailto:",
  "\u001b[",
  "\u001b[0;",
  "\u001b]",
  "\u009d",
  "\u009d ",
  ";#",
  "::progress 1 ",
  'level=error msg="',
  "Working towards a: 1 of 1 done (",
  "quota",
  "platform quota check ",
  "name: ",
  "- a\n",
  "a: &a [",
  "*a,",
  "? ",
  "k: v\n",
  "b:\n ",
] as const;

const BEFORE = ["", "\u001b", 'level=error msg="', "://", "password: ", 'a: "', "a: |\n", "::progress - ", '"auth": "'];

const ATTACKS: readonly Attack[] = BEFORE.flatMap((before) => PUMPS.map((pump) => ({ before, pump, after: "!\0" })));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const policy = policyOf();
const redact = redactor(["correct-horse-battery-staple", "aaaaaaaaaaaaaaaaaaaaaaaab"]);
const sink = { log: () => undefined, progress: () => undefined };

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  "redaction of logs": redact,
  "redaction of our own log": redactText,
  "escapes for a terminal": escapeTerminal,
  "escapes for Markdown": escapeMarkdown,
  "classification of failures": (text) => {
    const scan = failureScan();
    for (const line of text.split("\n")) scan.push(line);
    return scan.result(1);
  },
  progress: (text) => text.split("\n").map(progressOf),
  "an exec program's log": (text) => {
    const reader = lineReader((line) => readLine(line, sink), 1_000_000);
    reader.push(text);
    reader.end();
  },
  "an exec program's last word": (text) =>
    failureMessage("install", bytes(JSON.stringify({ error: { message: text } }))),
  "an exec program's evidence": (text) => parseObserve(bytes(JSON.stringify({ verdict: "present", evidence: [text] }))),
  "a name in the cloud": (text) => [infraIdInName(text), namedAfter(`demo-abcde-${text}`, "demo-abcde")],
  YAML: (text) => parseYaml(text, "f.yaml").problems,
  "a lab file": (text) => readLabFile(file("labs/team-a/test-01.yaml", text), policy),
};

test.each(Object.entries(READERS))("%s costs what the text is long", { timeout: 120_000 }, (_, read) => {
  const found = ATTACKS.map((attack) => superlinear(read, attack)).filter((why) => why !== null);
  expect(found).toEqual([]);
});
