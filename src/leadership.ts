import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "./errors.ts";
import type { Clock, Lease, LeaseStore } from "./ports.ts";

/** Long enough for the largest plan's transaction, short enough that a crashed leader is soon replaced. */
const LEASE_SECONDS = 60;
/** Leaders hold the lease for one transaction, so waiting a little nearly always helps. Milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 50;

interface Deps {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly holder: string;
  /** What there is one leader for; the reconciler unless said otherwise. */
  readonly resource?: string;
}

/** Runs work as the one that may do it now. @throws LK3005 when another keeps the lease */
export async function asLeader<T>(
  { store, clock, holder, resource = "reconciler" }: Deps,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const deadline = clock.monotonic() + PATIENCE;
  let lease = await store.acquire(resource, holder, LEASE_SECONDS);
  while (lease === null && clock.monotonic() < deadline) {
    await delay(PAUSE);
    lease = await store.acquire(resource, holder, LEASE_SECONDS);
  }
  if (lease === null) throw new LabkeeperError("LK3005", "its lease did not end in time");
  try {
    return await work(lease);
  } finally {
    await store.release(lease);
  }
}
