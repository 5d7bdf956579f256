import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { credentials } from "../../src/core/credentials.ts";
import { webhookHandler } from "../../src/github/webhook.ts";
import { startWebServer } from "../../src/web/server.ts";
import { must, type Target } from "../target.ts";

const SECRET = "fuzzed-webhook-secret";
const CANARY = "Canary-7Xq2";
/** Stand for the right signature over what follows the head of the first request, and for its length. */
const [SIGN, LENGTH] = ["SIGN", "LENGTH"];

const MOST_BYTES = 20_000;

interface Heard {
  readonly scheduled: string[];
  readonly errors: unknown[];
  readonly url: URL;
  close(): Promise<void>;
}

let heard: Promise<Heard> | null = null;

/** One server for all inputs, as in the field: what one of them leaves behind meets the next. */
async function listening(): Promise<Heard> {
  const [scheduled, errors]: [string[], unknown[]] = [[], []];
  const seen = new Set<string>();
  const { url, close } = await startWebServer({
    listen: { host: "127.0.0.1", port: 0 },
    healthy: async () => true,
    onError: (error) => errors.push(error),
    limits: { bodyBytes: MOST_BYTES, headersMs: 400, requestMs: 800 },
    webhook: webhookHandler({
      secret: credentials({ webhookSecret: SECRET }),
      repository: { owner: "octo-org", name: "labs" },
      schedule: (event) => void scheduled.push(event),
      store: {
        recordDelivery: async (id) => seen.size < seen.add(id).size,
        wake: async () => undefined,
        forgetDeliveries: async () => 0,
      },
    }),
  });
  return { scheduled, errors, url: new URL(url), close };
}

function bytesOf(input: Uint8Array): Buffer {
  const text = Buffer.from(input).toString("latin1").replace(/\r?\n/g, "\r\n");
  const end = text.indexOf("\r\n\r\n");
  const body = Buffer.from(end === -1 ? "" : text.slice(end + 4), "latin1");
  const sign = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
  return Buffer.from(text.replace(SIGN, sign).replace(LENGTH, String(body.length)), "latin1");
}

/** All that is answered until the connection ends. */
const exchanged = ({ hostname, port }: URL, bytes: Buffer): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });

/** Every answer is one of ours, whole, and ends where it says. */
function mustBeAnswers(answers: string): void {
  for (let rest = answers; rest !== ""; ) {
    const [head = "", code = ""] =
      /^HTTP\/1\.1 (\d{3}) [A-Za-z ]+\r\n(?:[A-Za-z-]+: [^\r\n]*\r\n)*\r\n/.exec(rest) ?? [];
    must(head !== "", "an answer is no answer of HTTP");
    must(
      ["100", "200", "202", "400", "401", "403", "404", "405", "408", "413", "417", "431", "503"].includes(code),
      `it is answered ${code}`,
    );
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
    rest = rest.slice(head.length);
    // Node's own answer to a request without a host; and to HEAD the body is left out.
    if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) must(rest.startsWith("0\r\n\r\n"), "an answer has a body");
    const body = rest.slice(0, rest === "" || rest.startsWith("HTTP/1.1 ") ? 0 : length || "0\r\n\r\n".length);
    must(/^(?:[a-z ]{2,40}\n|0\r\n\r\n)?$/.test(body), "an answer has words that are not ours");
    rest = rest.slice(body.length);
  }
}

const head = (more: string): string => `POST /webhooks/github HTTP/1.1\nHost: x\n${more}\n`;
const SIGNED = `x-github-event: push\nx-github-delivery: 72d3162e\nx-hub-signature-256: ${SIGN}\n`;
const BODY = `{"repository":{"full_name":"octo-org/labs","url":"${CANARY}"}}`;

/** Bytes from the network, as the web server of `serve` gets them. */
export const http: Target = {
  name: "http",
  seeds: [
    head(`content-length: ${LENGTH}\n${SIGNED}`) + BODY,
    `${head(`transfer-encoding: chunked\n${SIGNED}`)}5\nhello\n0\n\n`,
    `GET /healthz?${CANARY} HTTP/1.1\nHost: x\n\nGET /nothing HTTP/1.1\nHost: x\nConnection: close\n\n`,
    "HEAD /healthz HTTP/1.0\n\n",
    `OPTIONS * HTTP/1.1\nHost: ${CANARY}\nExpect: 100-continue\n\n`,
    "CONNECT x:1 HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: upgrade\n\n",
  ],
  dictionary: [
    ...[
      "\n",
      "\n\n",
      "GET ",
      "POST ",
      "TRACE ",
      "CONNECT ",
      "PRI * HTTP/2.0\n\nSM\n\n",
      " HTTP/1.1\n",
      " HTTP/1.0\n",
      "Host: x\n",
    ],
    ...[
      "/webhooks/github",
      "/healthz",
      "/healthz/../webhooks/github",
      "//",
      "%2e%2e",
      "?",
      "#",
      "http://x/healthz",
      "*",
    ],
    ...[
      "content-length: ",
      LENGTH,
      "99999999999999999999",
      "-1",
      "0x10",
      "+5",
      "transfer-encoding: chunked\n",
      "0\n\n",
      "ffffffffff\n",
    ],
    ...[
      "expect: 100-continue\n",
      "upgrade: h2c\n",
      "connection: upgrade\n",
      "connection: close\n",
      SIGN,
      SIGNED,
      CANARY,
      BODY,
    ],
    ...[" ", "\t", "\0", ":", "x".repeat(5_000), "x-github-event: issue_comment\n", "content-encoding: gzip\n"],
  ],
  async run(input) {
    heard ??= listening();
    const { scheduled, errors, url } = await heard;
    const before = scheduled.length;
    const bytes = bytesOf(input);
    const answers = await exchanged(url, bytes);
    mustBeAnswers(answers);
    must(!answers.includes(CANARY), "an answer repeats the question");
    must(errors.splice(0).length === 0, "what a stranger sends is an error of ours");
    const genuine = bytes.includes("sha256=") && bytes.includes("octo-org/labs");
    must(scheduled.length === before || genuine, "what nobody signed schedules something");
  },
  async end() {
    await (await heard)?.close();
    heard = null;
  },
};
