import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "./errors.ts";
import type { Clock, Lease, LeaseStore } from "./ports.ts";

/** Long enough to outlive a database that is restarted, short enough that a crashed leader is soon replaced. */
const LEASE_SECONDS = 60;
/** Reconcilers hold the lease for one transaction, so waiting a little nearly always helps. Milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 50;

interface Deps {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly holder: string;
  /** What there is one leader for; the reconciler unless said otherwise. */
  readonly resource?: string;
  /** Renewed four times as often while the work runs. */
  readonly leaseSeconds?: number;
}

/**
 * Runs work as the one that may do it now. Its signal aborts with the caller's, and with LK4004 when the lease is lost or
 * may be: writes are to carry the lease, so that the database refuses those of a leader who has not noticed yet.
 * @throws LK3005 when another keeps the lease, LK4004 when it was lost before the work ended
 */
export async function asLeader<T>(
  deps: Deps,
  work: (lease: Lease, signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { store, clock, holder, resource = "reconciler", leaseSeconds = LEASE_SECONDS } = deps;
  const deadline = clock.monotonic() + PATIENCE;
  // The lease ends by the time it was asked for, at the earliest.
  let askedAt = clock.monotonic();
  let lease = await store.acquire(resource, holder, leaseSeconds);
  while (lease === null && clock.monotonic() < deadline) {
    await delay(PAUSE, undefined, signal === undefined ? {} : { signal });
    askedAt = clock.monotonic();
    lease = await store.acquire(resource, holder, leaseSeconds);
  }
  if (lease === null) throw new LabkeeperError("LK3005", "its lease did not end in time");
  const kept = keep(lease, askedAt, { store, clock, leaseSeconds });
  try {
    return await work(lease, signal === undefined ? kept.signal : AbortSignal.any([signal, kept.signal]));
  } catch (error) {
    // Whatever the work made of being stopped, this is why.
    throw kept.signal.aborted && signal?.aborted !== true ? kept.signal.reason : error;
  } finally {
    kept.stop();
    // A failure here would hide how the work ended; the lease ends by itself.
    await store.release(lease).catch(() => undefined);
  }
}

/** Renews a lease until it is stopped. The signal aborts when another has it, and before it may have ended unrenewed. */
function keep(
  lease: Lease,
  askedAt: number,
  { store, clock, leaseSeconds }: Pick<Deps, "store" | "clock"> & { readonly leaseSeconds: number },
): { readonly signal: AbortSignal; stop(): void } {
  const beatMs = leaseSeconds * 250;
  const lost = new AbortController();
  let renewedAt = askedAt;
  let renewing = false;
  let ended = false;
  const lose = (why: string, cause?: unknown): void =>
    lost.abort(new LabkeeperError("LK4004", `the lease on ${lease.resource} ${why}`, { cause }));
  const renew = async (): Promise<void> => {
    const at = clock.monotonic();
    const renewed = await store.renew([lease], leaseSeconds);
    if (renewed.length === 0) lose("is another's");
    else renewedAt = at;
  };
  const renewPatiently = async (): Promise<void> => {
    renewing = true;
    // The database may be back before the lease ends, or another connection reach it.
    for (let done = false; !done && !ended && !lost.signal.aborted; ) {
      done = await renew().then(
        () => true,
        () => false,
      );
      if (!done) await delay(beatMs / 5, undefined, { ref: false });
    }
    renewing = false;
  };
  const beat = setInterval(() => {
    // By this host's clock, so also when a renewal hangs or the process was paused.
    if (clock.monotonic() - renewedAt > 2 * beatMs) lose("was not renewed in time");
    if (!renewing && !lost.signal.aborted) void renewPatiently();
  }, beatMs);
  beat.unref();
  const stop = (): void => {
    ended = true;
    clearInterval(beat);
  };
  return { signal: lost.signal, stop };
}
