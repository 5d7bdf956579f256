/** What the fuzzers found, each with the smallest input that showed it. */

import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { commandLines } from "../../src/core/comment-command.ts";
import { credentials } from "../../src/core/credentials.ts";
import { redactor, streamRedactor } from "../../src/core/redact.ts";
import { escapeMarkdown } from "../../src/core/render-escape.ts";
import { webhookHandler } from "../../src/github/webhook.ts";
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

describe("no command of a comment's author", () => {
  const COMMAND = "/lab destroy a";

  test.each([
    ["a span of code with shorter runs in it", `a \`b \`\` c\n${COMMAND}\n\``],
    ["a span of code that begins behind an escape", `b\\\`\`\n${COMMAND}\``],
    ["a span of code, when a heading has a mark of its own", `# a \`\nb \`c\n${COMMAND}\n\` d`],
    ["a quote that a no-break space does not end", `> they said\n\u00a0\n${COMMAND}`],
    ["a quote that an HTML comment does not end", `> they said <!-- x -->\n${COMMAND}`],
    ["a span of code that holds an HTML comment", `\`a <!-- -->\n${COMMAND}\n\``],
    ["a fence between marks of an HTML comment that are code", `\`<!--\`\n\`\`\`\n\`-->\`\n${COMMAND}\n\`\`\``],
    ["a fence behind one that its list took along", `- \`\`\`\nfoo\n\`\`\`\n${COMMAND}\n\`\`\``],
    ["a fence behind one inside of an item", `- a\n\n  \`\`\`\n  code\nb\n  \`\`\`\n${COMMAND}`],
    ["a fence behind indented code that looks like one", `    \`\`\`\na\n\`\`\`\n${COMMAND}\n\`\`\``],
    ["a fence behind one that a comment hides", `<!--\n\`\`\`\n-->\n\`\`\`\n${COMMAND}\n\`\`\``],
    ["an attribute", `<b title="\n${COMMAND}\n">x</b>`],
    ["a CDATA section", `<![CDATA[\n${COMMAND}\n]]>`],
    ["a processing instruction", `<?x\n${COMMAND}\n?>`],
    ["a link's title", `[a](/b "\n${COMMAND}\n")`],
    ["a link's destination", `[a](\n${COMMAND.replace(" a", "")}\n)`],
    ["a definition's title", `[a]: /b '\n${COMMAND}\n'`],
    ["a picture's description", `![a\n${COMMAND}\n](/b)`],
    ["a label", `[a][\n${COMMAND}\n]\n\n[${COMMAND}]: /b`],
    ["what is struck out", `~~a\n${COMMAND}\n~~`],
    ["a formula", `$$\n${COMMAND}\n$$`],
  ])("is what stands in %s", (_, body) => {
    expect(commandLines(body)).toEqual([]);
  });

  test("makes those around it unheard", () => {
    const example = "```\n> <!-- `\n```\n";
    expect(commandLines(`${example}${COMMAND}\n${example}`)).toEqual([COMMAND]);
    expect(commandLines(`It's a \`lab\`.\n\n${COMMAND}\n\nThanks, \`you\`!`)).toEqual([COMMAND]);
    expect(commandLines(`${COMMAND}\n\nOn Monday, monalisa <monalisa@example.com> wrote:\n> /lab help`)).toEqual([
      COMMAND,
    ]);
  });
});

test("a delivery with another byte where text has a replacement character is not the one that was signed", async () => {
  const seen: string[] = [];
  const handle = webhookHandler({
    secret: credentials({ webhookSecret: "facade-webhook-secret" }),
    repository: { owner: "octo-org", name: "labs" },
    schedule: () => undefined,
    store: {
      recordDelivery: async (id) => seen.push(id) > 0,
      wake: async () => undefined,
      forgetDeliveries: async () => 0,
    },
  });
  const body = Buffer.from('{"ref":"\ufffd","repository":{"full_name":"octo-org/labs"}}');
  const headers = {
    "x-github-event": "push",
    "x-github-delivery": "72d3162e",
    "x-hub-signature-256": `sha256=${createHmac("sha256", "facade-webhook-secret").update(body).digest("hex")}`,
  };
  const at = body.indexOf(0xef);
  const other = Buffer.concat([body.subarray(0, at), Buffer.from([0xff]), body.subarray(at + 3)]);
  expect(await handle({ headers, body: other })).toEqual({ status: 401 });
  expect(seen).toEqual([]);
  expect(await handle({ headers, body })).toEqual({ status: 202 });
});
