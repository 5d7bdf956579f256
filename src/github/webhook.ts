/** GitHub's deliveries: who may send them, and what they are good for, which is to look sooner. */

import { isUtf8 } from "node:buffer";
import { verify } from "@octokit/webhooks-methods";
import type { WebhookStore } from "../github-ports.ts";
import type { Credentials } from "../ports.ts";
import { fields, nullable, type Shape, text } from "./shape.ts";

export interface Delivery {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came, byte for byte: the signature is over these. */
  readonly body: Uint8Array;
}

export interface WebhookAnswer {
  readonly status: 202 | 400 | 401 | 403 | 503;
}

export interface WebhookDeps {
  /** Has `webhookSecret`. */
  readonly secret: Credentials;
  readonly repository: { readonly owner: string; readonly name: string };
  readonly store: WebhookStore;
  /** Asks this process to look soon; must not wait for it. Gets the event's name and nothing of its content. */
  readonly schedule: (event: string) => void;
}

const EVENT = /^[a-z_]{1,64}$/;
/** A GUID, by GitHub's documentation; others are refused before they reach the database. */
const DELIVERY = /^[0-9A-Za-z-]{1,64}$/;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

const single = ({ headers }: Delivery, name: string): string => {
  const value = headers[name];
  return typeof value === "string" ? value : "";
};

/** Only of UTF-8: broken bytes all read as one character, which would make several bodies of one signature. */
const isSigned = async (secret: Credentials, body: Uint8Array, signature: string): Promise<boolean> =>
  body.length > 0 &&
  SIGNATURE.test(signature) &&
  isUtf8(body) &&
  (await verify(secret.reveal("webhookSecret"), textOf(body), signature));

const textOf = (body: Uint8Array): string => Buffer.from(body).toString("utf8");

const BODY = fields({
  action: nullable(text),
  repository: fields({ full_name: text }),
  sender: nullable(fields({ type: text })),
});

const parsed = <T>(body: string, shape: Shape<T>): T | null => {
  try {
    return shape(JSON.parse(body), "");
  } catch {
    return null;
  }
};

/** What may have changed something that is looked at. Comments count when they are new and a person's: a command may be in them. */
const matters = (event: string, { action, sender }: ReturnType<typeof BODY>): boolean =>
  event === "push" || event === "pull_request" || (action === "created" && sender?.type !== "Bot");

const KNOWN = ["push", "pull_request", "issue_comment"];

/**
 * Answers 202 to what is genuine, 401 to what is not signed with the secret, 403 to another repository's, 400 to what no
 * GitHub sends, 503 when it could not be noted. A delivery only says that it is time to look: what is so is read anew,
 * so nothing of its content goes further than this function, and one that is lost costs a poll's time.
 */
export const webhookHandler =
  ({ secret, repository, store, schedule }: WebhookDeps) =>
  async (delivery: Delivery): Promise<WebhookAnswer> => {
    const { body } = delivery;
    if (!(await isSigned(secret, body, single(delivery, "x-hub-signature-256")))) return { status: 401 };
    const event = single(delivery, "x-github-event");
    const id = single(delivery, "x-github-delivery");
    if (!EVENT.test(event) || !DELIVERY.test(id)) return { status: 400 };
    if (!KNOWN.includes(event)) return { status: 202 };
    const content = parsed(textOf(body), BODY);
    if (content === null) return { status: 400 };
    const ours = `${repository.owner}/${repository.name}`.toLowerCase();
    if (content.repository.full_name.toLowerCase() !== ours) return { status: 403 };
    if (!matters(event, content)) return { status: 202 };
    try {
      if (!(await store.recordDelivery(id, event))) return { status: 202 };
      // This process looks in any case: made again, the delivery would count as seen.
      schedule(event);
      await store.wake();
    } catch {
      return { status: 503 };
    }
    return { status: 202 };
  };
