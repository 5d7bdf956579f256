/** Signed deliveries of webhooks, and what goes wrong with them on their way. */

import { createHmac, randomUUID } from "node:crypto";
import type { Description } from "./operations.ts";
import type { Body } from "./world.ts";

export interface Delivery {
  /** `X-GitHub-Delivery`: the same one when a delivery is made again. */
  readonly id: string;
  readonly event: string;
  readonly action: string | null;
  readonly payload: Body;
  /** What the receiver answered to each attempt; null: nothing. */
  readonly statuses: readonly (number | null)[];
}

/** What went wrong on the way, by deliveries. */
export interface DeliveryTally {
  readonly lost: number;
  readonly twice: number;
  /** Kept back, and delivered in order or not. */
  readonly late: number;
  readonly reordered: number;
  readonly again: number;
}

export interface Webhooks {
  readonly tally: DeliveryTally;
  /** What happened since there is a URL, of the events that the App listens to: arrived or not, oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Delivers to this URL from now on, beginning with a ping; null: nowhere. */
  to(url: string | null): void;
  /** Loses the next so many deliveries (of one event). */
  lose(times: number, event?: string): void;
  /** Makes the next so many deliveries (of one event) twice. */
  duplicate(times: number, event?: string): void;
  /** Keeps deliveries back until they are released: late ones. */
  hold(): void;
  /** Delivers what was kept back, on request the last first. */
  release(options?: { readonly reversed?: boolean }): void;
  /** As "Redeliver" on GitHub does: the same id again. */
  redeliver(id: string): void;
  /** Resolves when everything that is under way has arrived or failed. */
  settled(): Promise<void>;
}

export interface WebhookSource {
  readonly secret: string;
  subscribed(event: string): boolean;
  ping(): Body;
  /** null: bodies are not held against it. */
  readonly description: Description | null;
  onViolation(name: string, problems: readonly string[]): void;
  onTarget(url: string | null): void;
}

interface Kept extends Delivery {
  readonly statuses: (number | null)[];
}

/** `emit` takes what happened; deliveries follow each other in its order. */
export function createWebhooks(source: WebhookSource): Webhooks & {
  emit(event: string, action: string | null, body: () => Body): void;
} {
  const deliveries: Kept[] = [];
  const lost: { event: string | undefined; left: number }[] = [];
  const doubled: { event: string | undefined; left: number }[] = [];
  const tally = { lost: 0, twice: 0, late: 0, reordered: 0, again: 0 };
  let target: string | null = null;
  let held: Kept[] | null = null;
  let queue: Promise<void> = Promise.resolve();

  const send = (delivery: Kept): void => {
    if (held !== null) {
      held.push(delivery);
      return;
    }
    const url = target;
    if (url === null) return;
    queue = queue.then(async () => {
      delivery.statuses.push(await post(url, delivery, source.secret));
    });
  };
  const emit = (event: string, action: string | null, body: () => Body): void => {
    if (target === null || !source.subscribed(event)) return;
    const payload = body();
    const name = `webhook-${event}${action === null ? "" : `-${action}`}`.replaceAll("_", "-");
    const problems = source.description?.webhook(name, payload) ?? [];
    if (problems.length > 0) source.onViolation(name, problems);
    const delivery = { id: randomUUID(), event, action, payload, statuses: [] };
    deliveries.push(delivery);
    if (used(lost, event)) {
      tally.lost += 1;
      return;
    }
    send(delivery);
    if (!used(doubled, event)) return;
    tally.twice += 1;
    send(delivery);
  };
  return {
    deliveries,
    tally,
    emit,
    to(url) {
      target = url;
      source.onTarget(url);
      if (url !== null) emit("ping", null, source.ping);
    },
    lose(times, event) {
      lost.push({ event, left: times });
    },
    duplicate(times, event) {
      doubled.push({ event, left: times });
    },
    hold() {
      held ??= [];
    },
    release({ reversed = false } = {}) {
      const kept = held ?? [];
      held = null;
      if (reversed && kept.length > 1) tally.reordered += kept.length;
      else tally.late += kept.length;
      for (const delivery of reversed ? kept.reverse() : kept) send(delivery);
    },
    redeliver(id) {
      const delivery = deliveries.find((one) => one.id === id);
      if (delivery === undefined) throw new Error(`No delivery ${id}`);
      tally.again += 1;
      send(delivery);
    },
    async settled() {
      for (let seen: Promise<void> | null = null; seen !== queue; ) {
        seen = queue;
        await seen;
      }
    },
  };
}

function used(rules: { readonly event: string | undefined; left: number }[], event: string): boolean {
  const rule = rules.find((one) => one.left > 0 && (one.event === undefined || one.event === event));
  if (rule === undefined) return false;
  rule.left -= 1;
  return true;
}

/** `sha256=...`, as GitHub signs a body. */
export function signed(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** GitHub gives a receiver ten seconds; here a machine under load gets more. */
async function post(url: string, { id, event, payload }: Delivery, secret: string): Promise<number | null> {
  const body = JSON.stringify(payload);
  const headers = {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/0000000",
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": signed(body, secret),
  };
  try {
    const signal = AbortSignal.timeout(60_000);
    const response = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}
