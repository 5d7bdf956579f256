/** No output makes the exec provisioner throw anything but a LabkeeperError, or believe in an absence. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import {
  failureMessage,
  hider,
  parseAnswer,
  parseInstall,
  parseObserve,
  parsePrepare,
  parseUpdate,
} from "../../src/provisioners/exec-answer.ts";
import { cleanText, lineReader, readLine } from "../../src/provisioners/log-lines.ts";
import { stage } from "./exec-program.ts";
import { labOrder } from "./lab-order.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Anything a program may print, weighted towards what almost looks right. */
const stdout = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map(bytes),
  fc
    .record(
      {
        intent: fc.jsonValue(),
        outputs: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
        credentials: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.string({ unit: "binary" }))),
        verdict: fc.oneof(fc.constantFrom("present", "absent", "unknown"), fc.jsonValue()),
        evidence: fc.oneof(fc.array(fc.string({ unit: "binary" })), fc.jsonValue()),
        reason: fc.oneof(fc.string(), fc.jsonValue()),
        error: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((value) => bytes(JSON.stringify(value))),
);

describe("any stdout", () => {
  const parsers = { parsePrepare, parseInstall, parseUpdate, parseObserve };
  test.each(Object.entries(parsers))("given to %s is an answer or a broken contract", (_name, parse) => {
    fc.assert(
      fc.property(stdout, (output) => {
        try {
          parse(output);
        } catch (error) {
          if (!(error instanceof LabkeeperError) || error.code !== "LK5005" || error.cause !== undefined) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("given to failureMessage is a short line or nothing", () => {
    fc.assert(
      fc.property(stdout, (output) => {
        const message = failureMessage("install", output);
        expect(message === null || (message.length <= 500 && !/\p{Cc}/u.test(message))).toBe(true);
      }),
    );
  });

  test("that is believed as absent says exactly that, with evidence", () => {
    fc.assert(
      fc.property(stdout, (output) => {
        try {
          const seen = parseObserve(output);
          if (seen.verdict === "absent") expect(seen.evidence.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(LabkeeperError);
        }
      }),
    );
  });

  test("accepted as intent or outputs survives a round trip through JSON unchanged", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (intent) => {
        try {
          const parsed = parsePrepare(bytes(JSON.stringify({ intent })));
          expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed);
        } catch (error) {
          expect(error).toBeInstanceOf(LabkeeperError);
        }
      }),
    );
  });

  test("of a real process ends the same way", async () => {
    const lab = labOrder();
    const run = async (output: Uint8Array, code: number): Promise<void> => {
      await using it = await stage(`cat >/dev/null; cat hostile; exit ${code}`);
      await mkdir(it.workdir, { recursive: true });
      await writeFile(join(it.workdir, "hostile"), output);
      const end = await it.provisioner.install(lab, {}, it.context).catch((error: unknown) => error);
      expect(end instanceof LabkeeperError || Object.hasOwn(end as object, "credentials")).toBe(true);
      expect(await it.provisioner.observe(lab, {}, it.context)).toHaveProperty("verdict");
    };
    await fc.assert(fc.asyncProperty(stdout, fc.nat({ max: 3 }), run), { numRuns: 15 });
  });
});

test("evidence is kept short and clean", () => {
  const evidence = Array.from({ length: 80 }, () => `\u001b[31m${"x".repeat(600)}`);
  const seen = parseObserve(bytes(JSON.stringify({ verdict: "present", evidence })));
  expect(seen).toEqual({ verdict: "present", evidence: Array.from({ length: 50 }, () => "x".repeat(500)) });
});

test("an answer to verify and destroy is empty", () => {
  expect(parseAnswer("verify", bytes(" {}\n"), [])).toEqual({});
  expect(() => parseAnswer("destroy", bytes('{"outputs":{}}'), [])).toThrow(LabkeeperError);
});

test("secrets of many lines are hidden line by line", () => {
  const hide = hider(["first: secret-line-1\n  second: secret-line-2\n"]);
  expect(hide("got second: secret-line-2 here")).toBe("got [secret] here");
  expect(hider([])("nothing to hide")).toBe("nothing to hide");
});

test.each([
  ["\u001b[31mred\u001b[0m", "red"],
  ["\u009b38;5;1mred", "red"],
  ["\u001b]0;title\u0007text", "text"],
  ["\u001b]8;;http://example.com\u001b\\link\u001b]8;;\u001b\\", "link"],
  ["\u009dtitle\u009ctext", "text"],
  ["\u001bPstring\u001b\\text", "text"],
  ["\u001b(Btext", "text"],
  ["\u001b]never ended", "never ended"],
  ["a\tb\r\u0000c", "a  bc"],
])("%j is shown as %j", (text, shown) => {
  expect(cleanText(text)).toBe(shown);
});

test("log lines come out the same however the text is cut into pieces", () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r", "\t", "é") }));
  fc.assert(
    fc.property(pieces, (parts) => {
      const lines: string[] = [];
      const log = (line: string): void => {
        lines.push(line);
      };
      const reader = lineReader((line) => readLine(line, { log, progress: () => undefined }), 1_000_000);
      for (const part of parts) reader.push(part);
      reader.end();
      const whole = parts.join("").split("\n");
      if (whole.at(-1) === "") whole.pop();
      expect(lines).toEqual(whole.map((line) => line.replaceAll("\r", "").replaceAll("\t", "  ")));
    }),
  );
});
