import { LabkeeperError } from "../../src/errors.ts";
import {
  failureMessage,
  parseAnswer,
  parseInstall,
  parseObserve,
  parsePrepare,
  parseUpdate,
} from "../../src/provisioners/exec-answer.ts";
import { must, type Target, UNSHOWABLE } from "../target.ts";

/** Part of a secret: an answer that holds it is refused without a word of it. */
const CANARY = "Canary-7Xq2";

const refusal = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    must(error instanceof LabkeeperError && error.code === "LK5005", `an answer ended in ${String(error)}`);
    must(error.cause === undefined && !error.message.includes(CANARY), "a refusal repeats the answer");
    return null;
  }
};

const storable = (document: unknown): void => {
  if (typeof document === "string")
    must(!document.includes("\0") && document.isWellFormed(), "a document has what Postgres cannot store");
  if (typeof document === "number") must(Number.isFinite(document), "a document has a number that is none");
  if (typeof document !== "object" || document === null) return;
  for (const [name, value] of Object.entries(document)) {
    must(name !== "__proto__", "a document has a trap for JavaScript");
    storable(name);
    storable(value);
  }
};

/** What an exec program prints on stdout: an answer or a broken contract. */
export const execAnswer: Target = {
  name: "exec-answer",
  seeds: [
    '{"intent":{"id":"x","nested":{"list":[1,2,{"a":null}]}}}',
    `{"outputs":{"url":"https://x"},"credentials":{"password":"${CANARY}","user":"admin"}}`,
    '{"outputs":{"note":"text"}}',
    '{"verdict":"absent","evidence":["nothing is tagged"]}',
    '{"verdict":"unknown","reason":"the API is down"}',
    '{"error":{"message":"quota is used up"}}',
  ],
  dictionary: [
    ...[
      '{"intent":',
      '{"outputs":',
      '"credentials":',
      '"verdict":"absent"',
      '"verdict":["absent"]',
      '"evidence":',
      "[]",
    ],
    ...[
      '"__proto__":',
      '"constructor":',
      "\\u0000",
      "\\ud800",
      "1e999",
      "-0",
      "null",
      "true",
      '"error":',
      '"message":',
    ],
    ...["\ufeff", "\u001b[31m", "[[[[[[[[", "]]]]]]]]", '{"a":{"a":{"a":', CANARY, "//"],
  ],
  run(input) {
    const intent = refusal(() => parsePrepare(input));
    if (intent !== null) storable(intent);
    const update = refusal(() => parseUpdate(input));
    if (update !== null) storable(update);
    const installed = refusal(() => parseInstall(input)) as ReturnType<typeof parseInstall> | null;
    if (installed !== null) {
      storable(installed.outputs);
      must(!JSON.stringify(installed.credentials).includes(CANARY), "credentials can be printed");
    }
    const seen = refusal(() => parseObserve(input)) as ReturnType<typeof parseObserve> | null;
    if (seen !== null) {
      must(seen.verdict !== "absent" || seen.evidence.length > 0, "an absence without evidence is believed");
      const shown = seen.verdict === "unknown" ? [seen.reason] : seen.evidence;
      for (const line of shown) must(line.length <= 500 && !/\p{Cc}/u.test(line), "evidence is endless or acts");
    }
    refusal(() => parseAnswer("verify", input, []));
    const said = failureMessage("install", input);
    must(said === null || (said.length <= 500 && !/\p{Cc}/u.test(said)), "a failure's message is endless or acts");
    must(said === null || !UNSHOWABLE.test(said.replace(/\p{Cf}|\p{Zl}|\p{Zp}/gu, "")), "a failure's message acts");
  },
};
