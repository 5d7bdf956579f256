/** What the fuzzers found, each with the smallest input that showed it. */

import { describe, expect, test } from "vitest";
import { redactor, streamRedactor } from "../../src/core/redact.ts";
import { escapeMarkdown } from "../../src/core/render-escape.ts";
import { redactText } from "../../src/log.ts";
import { parseInstall } from "../../src/provisioners/exec-answer.ts";
import { superlinear } from "../hostile/growth.ts";

describe("redaction of a known secret", () => {
  const hide = redactor(["correct-horse-battery", "first line\nsecond line"]);

  test("that stands as the user's name in an address", () => {
    expect(hide("://correct-horse-battery:s@")).toBe("://[redacted]@");
  });

  test("that goes on where a pattern ends", () => {
    expect(hide("password: first line\nsecond line.")).toBe("password: [redacted].");
    expect(hide("password: xfirst line\nsecond line.")).toBe("password: [redacted].");
  });

  test("in the same pieces of any size", () => {
    const text = "password: xfirst line\nsecond line://correct-horse-battery:s@ Abcde-Abcde-Abcde-Abcde-Abcde\n";
    for (let size = 1; size <= text.length; size++) {
      const stream = streamRedactor(["correct-horse-battery", "first line\nsecond line"]);
      let shown = "";
      for (let at = 0; at < text.length; at += size) shown += stream.push(text.slice(at, at + size));
      expect(shown + stream.flush(), `pieces of ${size}`).toBe(hide(text));
    }
  });

  test("whose password has an @", () => {
    expect(redactText("connect to postgres://me:p@ss@host/db")).toBe("connect to postgres://[secret]@host/db");
  });
});

test.each(["x", "eyJ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY----"])(
  "redaction of %s, again and again, character by character, costs what the text is long",
  (pump) => {
    const read = (text: string): string => {
      const stream = streamRedactor(["correct-horse-battery"]);
      return [...text].map((character) => stream.push(character)).join("") + stream.flush();
    };
    // Of a line without end, 16,384 characters are kept to be looked at.
    const aboveBound = { short: 17_000, long: 68_000 };
    for (const before of ["", "-----BEGIN PRIVATE KEY-----"])
      expect(superlinear(read, { before, pump, after: "" }, aboveBound)).toBeNull();
  },
);

test.each([":100:", ":1234:", ":8ball:", ":1st_place_medal:", ":+1:", ":a:"])("%s stays text in Markdown", (text) => {
  expect(escapeMarkdown(text)).toMatch(/^\u200b?:\u200b/);
});

test("times and places in files are left as they are", () => {
  expect(escapeMarkdown("12:30:45 f.yaml:3:5")).toBe("12:30:45 f.yaml:3:5");
});

test("a refused credential is not named: its name may be what should have been its value", () => {
  const answer = JSON.stringify({ outputs: {}, credentials: { "Canary-7Xq2": [1] } });
  expect(() => parseInstall(Buffer.from(answer))).toThrow(/^(?!.*Canary).*credential/);
});
