/** Asking AWS: every page or a failure, every failure told, nothing taken for an empty answer. */

import { LabkeeperError } from "../../errors.ts";

/** One tour of a cloud. Counts its calls, which tells a real look from a look at nothing. */
export interface Look {
  readonly signal: AbortSignal | undefined;
  calls: number;
}

export const beginLook = (signal?: AbortSignal): Look => ({ signal, calls: 0 });

/** Sends one command. Rejects with what the SDK rejects with. */
export async function ask<Answer>(
  look: Look,
  send: (options: { readonly abortSignal?: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  look.signal?.throwIfAborted();
  look.calls += 1;
  return await send(look.signal === undefined ? {} : { abortSignal: look.signal });
}

/** A list that an answer must have. The SDK reads an answer it does not understand as one without any fields. */
export function given<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) {
    throw new LabkeeperError("LK5309", `the answer has no ${what}, so it is not one of this service`);
  }
  return value;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent or empty on the last page. */
  readonly next: string | undefined;
}

/** More would be no cluster's and no account's: an endpoint that never ends its list. */
const MOST_PAGES = 10_000;

/** All pages. A page that fails fails all of it. */
export async function everyPage<T>(fetch: (token: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, next } = await fetch(token);
    for (const item of items) all.push(item);
    if (!next) return all;
    if (next === token) throw new LabkeeperError("LK5309", "the list answers the same page again and again");
    token = next;
  }
  throw new LabkeeperError("LK5309", `the list has more than ${MOST_PAGES} pages`);
}

/** In groups of at most `size`, for calls that take no more. */
export function batches<T>(items: readonly T[], size: number): T[][] {
  const all: T[][] = [];
  for (let start = 0; start < items.length; start += size) all.push(items.slice(start, start + size));
  return all;
}

/** Tags as the services give them, as a record. */
export const tagRecord = (
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined,
): Readonly<Record<string, string>> =>
  Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ""]])));
