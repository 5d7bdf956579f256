import { sql } from "kysely";
import type { OrphanStore, ReceiptCheckStore, RetentionStore } from "../cloud-ports.ts";
import type {
  CommentCommandStore,
  PullRequestStore,
  ReportStore,
  RequestStore,
  WebhookStore,
} from "../github-ports.ts";
import type { CommandStore, LeaseStore, ReadStore, ReconcileStore, WorkStore } from "../ports.ts";
import { apply } from "./apply.ts";
import { commandStore } from "./commands.ts";
import { commentCommandStore } from "./comment-commands.ts";
import { compare } from "./compare.ts";
import { type Connection, connect, guarded } from "./connection.ts";
import { leaseStore } from "./leases.ts";
import { listen } from "./listen.ts";
import { requireSchema } from "./migrate.ts";
import { orphanStore } from "./orphans.ts";
import { requestStore } from "./own-requests.ts";
import { type Deadlines, noSilence } from "./pool.ts";
import { pullRequestStore } from "./pull-requests.ts";
import { readStore } from "./reads.ts";
import { receiptCheckStore } from "./receipt-checks.ts";
import { reportStore } from "./reports.ts";
import { retentionStore } from "./retention.ts";
import { latestRevision } from "./revisions.ts";
import { only } from "./rows.ts";
import { unknownLabs } from "./unknown-labs.ts";
import { webhookStore } from "./webhooks.ts";
import { queueStore, workStore } from "./work.ts";

export interface Store
  extends ReconcileStore,
    WorkStore,
    LeaseStore,
    CommandStore,
    ReadStore,
    ReceiptCheckStore,
    OrphanStore,
    PullRequestStore,
    ReportStore,
    CommentCommandStore,
    WebhookStore,
    RequestStore,
    RetentionStore,
    AsyncDisposable {
  /** The database's clock, for doctor's comparison with this host's. */
  databaseTime(): Promise<Date>;
  close(): Promise<void>;
}

/**
 * Leases last a minute and are given up half a minute after they were last renewed. So what keeps and takes them has
 * connections of its own, which nothing else can use up, and is told early when one of them goes silent.
 */
const LEASES: Deadlines = { queryMs: 5_000, connectMs: 5_000 };
/** What runs write is tried again while the lease lasts: it may wait for a plan that is being applied. */
const RUNS: Deadlines = { queryMs: 20_000, connectMs: 5_000 };

/**
 * Opens the store. The schema must be there already (`migrate`).
 * @throws LK4001, LK4002, LK4003, LK4007
 */
export async function openStore(
  connection: Connection,
  options: { readonly max?: number; readonly name?: string; readonly leaseDeadlines?: Deadlines } = {},
): Promise<Store> {
  const { max = 12, leaseDeadlines = LEASES, ...named } = options;
  const rest = { ...named, silence: noSilence() };
  const { db, pool, close: closeRest } = connect(connection, { ...rest, max });
  const leases = connect(connection, { ...rest, max: Math.min(2, max), deadlines: leaseDeadlines });
  const runs = connect(connection, { ...rest, max: Math.min(6, max), deadlines: RUNS });
  const close = async (): Promise<void> => {
    await Promise.all([closeRest(), leases.close(), runs.close()]);
  };
  try {
    await guarded(() => requireSchema(pool));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...workStore(runs.db),
    ...queueStore(leases.db),
    ...leaseStore(leases.db),
    ...commandStore(db),
    ...readStore(db),
    ...receiptCheckStore(db),
    ...orphanStore(db),
    ...pullRequestStore(db),
    ...reportStore(db),
    ...commentCommandStore(db),
    ...webhookStore(db),
    ...requestStore(db),
    ...retentionStore(db),
    revision: () => guarded(() => latestRevision(db)),
    compare: (changes, now, windowHours) => compare(db, changes, now, windowHours),
    unknownLabs: (ids) => unknownLabs(db, ids),
    apply: (application, lease) => apply(db, application, lease),
    onWork: (callback) => listen(connection, callback),
    databaseTime: () =>
      guarded(async () => only((await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)).rows).now),
    close,
    [Symbol.asyncDispose]: close,
  };
}
