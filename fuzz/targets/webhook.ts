import { createHmac, timingSafeEqual } from "node:crypto";
import { credentials } from "../../src/core/credentials.ts";
import { webhookHandler } from "../../src/github/webhook.ts";
import { must, type Target, textOf } from "../target.ts";

const SECRET = "fuzzed-webhook-secret";
/** Stands for the right signature over the body, so that the search gets behind the check. */
const SIGN = "SIGN";

const signatureOf = (body: Uint8Array): string => `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;

interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** Lines `name: value` up to an empty one, then the body, byte for byte. */
function deliveryOf(input: Uint8Array): Delivery {
  const end = Buffer.from(input).indexOf("\n\n");
  const body = end === -1 ? new Uint8Array() : input.subarray(end + 2);
  const head = textOf(end === -1 ? input : input.subarray(0, end));
  const pairs = head.split("\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
  });
  const headers = Object.fromEntries(pairs);
  for (const [name, value] of Object.entries(headers)) headers[name] = value.replace(SIGN, () => signatureOf(body));
  return { headers, body };
}

/** By another comparison, and over the bytes as they came. */
function isSigned({ headers, body }: Delivery): boolean {
  const [given, right] = [Buffer.from(headers["x-hub-signature-256"] ?? ""), Buffer.from(signatureOf(body))];
  return body.length > 0 && given.length === right.length && timingSafeEqual(given, right);
}

/** What a delivery is about, read by somebody else; null for what no GitHub sends. */
function contentOf(body: Uint8Array): { name: unknown; action: unknown; sender: unknown } | null {
  try {
    const { repository, action, sender } = JSON.parse(textOf(body));
    return { name: repository?.full_name, action, sender: sender?.type };
  } catch {
    return null;
  }
}

function mustHaveCause(event: string, { body, headers }: Delivery): void {
  const content = contentOf(body);
  must(content !== null, "what is no JSON schedules something");
  must(String(content.name).toLowerCase() === "octo-org/labs", "another repository schedules something");
  must(["push", "pull_request", "issue_comment"].includes(event), "an event that nobody asked for schedules something");
  must(headers["x-github-event"] === event, "another event is scheduled than came");
  if (event !== "issue_comment") return;
  must(content.action === "created" && content.sender !== "Bot", "an old comment or a bot's schedules something");
}

const head = (event: string, more = ""): string =>
  `x-github-event: ${event}\nx-github-delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\nx-hub-signature-256: ${SIGN}\n${more}\n`;

/** A delivery from the network: it schedules a look when it is genuine, and is otherwise answered and forgotten. */
export const webhook: Target = {
  name: "webhook",
  seeds: [
    `${head("push")}{"ref":"refs/heads/main","repository":{"full_name":"octo-org/labs","clone_url":"http://127.0.0.1:1/x.git"},"sender":{"type":"User"}}`,
    `${head("pull_request")}{"action":"opened","number":7,"repository":{"full_name":"Octo-Org/Labs"},"sender":null}`,
    `${head("issue_comment")}{"action":"created","comment":{"body":"/lab status"},"repository":{"full_name":"octo-org/labs"},"sender":{"type":"User"}}`,
    `${head("ping")}{"zen":"Design for failure."}`,
    'x-github-event: push\nx-hub-signature-256: sha256=00\n\n{"repository":{"full_name":"octo-org/labs"}}',
  ],
  dictionary: [
    ...[
      SIGN,
      "sha256=",
      "sha1=",
      "x-hub-signature-256: ",
      "x-hub-signature: ",
      "x-github-event: ",
      "x-github-delivery: ",
    ],
    ...[
      "push",
      "pull_request",
      "issue_comment",
      "ping",
      '"action":',
      '"created"',
      '"edited"',
      '"sender":',
      '"type":"Bot"',
    ],
    ...['"repository":', '"full_name":', '"octo-org/labs"', '"octo-org/other"', "null", "[]", "{}", '{"a":', "[["],
    ...[
      '"__proto__":',
      '"constructor":',
      "\\u0000",
      "\\ud800",
      "\ufeff",
      "\ufffd",
      "1e999",
      "\n\n",
      "\0",
      ",",
      '"toString":',
    ],
  ],
  async run(input) {
    const delivery = deliveryOf(input);
    const [scheduled, seen]: [string[], string[][]] = [[], []];
    let woken = 0;
    const handle = webhookHandler({
      secret: credentials({ webhookSecret: SECRET }),
      repository: { owner: "octo-org", name: "labs" },
      schedule: (event) => void scheduled.push(event),
      store: {
        recordDelivery: async (id, event) => {
          const isNew = !seen.some(([other]) => other === id);
          seen.push([id, event]);
          return isNew;
        },
        wake: async () => void woken++,
        forgetDeliveries: async () => 0,
      },
    });
    const answer = await handle(delivery);
    must([202, 400, 401, 403].includes(answer.status), `it is answered ${answer.status}`);
    must(Object.keys(answer).join() === "status", "an answer says more than its status");
    if (!isSigned(delivery)) must(answer.status === 401 && seen.length === 0, "what nobody signed is taken");
    must(scheduled.length <= 1 && woken === scheduled.length, "one delivery schedules more than one look");
    must(scheduled.length === 0 || answer.status === 202, "what is refused schedules something");
    for (const [id = "", event = ""] of seen)
      must(/^[0-9A-Za-z-]{1,64}$/.test(id) && /^[a-z_]{1,64}$/.test(event), "what is recorded is no id");
    for (const event of scheduled) mustHaveCause(event, delivery);
    must((await handle(delivery)).status === answer.status, "the same delivery is answered in another way");
    must(scheduled.length <= 1, "a delivery that comes again schedules again");
    must(!Object.hasOwn(Object.prototype, "polluted"), "a prototype has changed");
  },
};
