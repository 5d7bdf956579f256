/** GitHub's deliveries to the web server of a labkeeper, and what goes wrong with them on their way. */

import { credentials } from "../src/core/credentials.ts";
import { webhookHandler } from "../src/github/webhook.ts";
import type { Store } from "../src/store/open.ts";
import { startWebServer } from "../src/web/server.ts";
import type { GitHubFacade } from "../standins/github/start.ts";
import { DELIVERY_FAULTS, type DeliveryFault, type FaultKind } from "./faults.ts";
import { Violation } from "./violation.ts";

export interface Deliveries {
  /** Lets the next so many suffer; what is late or reordered comes with the answer to the bell after the next one. */
  fault(kind: DeliveryFault, times: number): void;
  /** Waits for what is under way; answers whether one asked to look, and forgets that. */
  rung(): Promise<boolean>;
  /** What is kept back arrives. */
  release(): Promise<void>;
  /** While a janitor of weeks later goes round, and after it, old deliveries are new ones. */
  forgetting<T>(round: () => Promise<T>): Promise<T>;
  /** What came about since this was asked last. */
  met(): readonly (readonly [FaultKind, number])[];
  close(): Promise<void>;
}

export async function deliveries(
  github: GitHubFacade,
  store: Store,
  onWrong: (error: Error) => void,
): Promise<Deliveries> {
  const { webhooks } = github;
  const taken = new Set<string>();
  const counted = new Map<DeliveryFault, number>();
  let news = 0;
  let rings = 0;
  let rounds = 0;
  let held: { readonly reversed: boolean; bells: number } | null = null;
  const webhook = webhookHandler({
    secret: credentials({ webhookSecret: github.app.webhookSecret }),
    repository: { owner: github.owner, name: github.name },
    store: {
      ...store,
      recordDelivery: async (id, event) => {
        const isNew = await store.recordDelivery(id, event);
        if (isNew && taken.has(id) && rounds === 0) onWrong(new Violation("webhook", `delivery ${id} counted twice`));
        if (isNew) taken.add(id);
        if (isNew) news += 1;
        return isNew;
      },
    },
    schedule: () => {
      rings += 1;
      if (rings > news) onWrong(new Violation("webhook", "a delivery that was seen before asked to look again"));
    },
  });
  const server = await startWebServer({
    listen: { host: "127.0.0.1", port: 0 },
    webhook,
    healthy: async () => true,
    onError: (error) => onWrong(new Violation("webhook", String(error), { cause: error })),
  });
  webhooks.to(`${server.url}/webhooks/github`);
  let heard = 0;
  const release = async (): Promise<void> => {
    if (held !== null) webhooks.release({ reversed: held.reversed });
    held = null;
    await webhooks.settled();
  };
  return {
    release,
    async forgetting(round) {
      rounds += 1;
      try {
        return await round();
      } finally {
        rounds -= 1;
        taken.clear();
      }
    },
    fault(kind, times) {
      if (kind === "lost") webhooks.lose(times);
      if (kind === "twice") webhooks.duplicate(times);
      if (kind === "late" || kind === "reordered") {
        held ??= { reversed: kind === "reordered", bells: 0 };
        webhooks.hold();
      }
      if (kind === "again") {
        const arrived = webhooks.deliveries.filter(({ statuses }) => statuses.length > 0);
        for (const { id } of arrived.slice(-times)) webhooks.redeliver(id);
      }
    },
    async rung() {
      await webhooks.settled();
      if (held !== null) {
        held.bells += 1;
        if (held.bells > 1) await release();
      }
      const isRung = rings > heard;
      heard = rings;
      return isRung;
    },
    met: () =>
      DELIVERY_FAULTS.map((kind) => {
        const more = webhooks.tally[kind] - (counted.get(kind) ?? 0);
        counted.set(kind, webhooks.tally[kind]);
        return [`webhook ${kind}`, more];
      }),
    async close() {
      await release();
      webhooks.to(null);
      await server.close();
    },
  };
}
