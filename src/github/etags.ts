/** Answers kept to be asked for again with `If-None-Match`: GitHub answers 304 when nothing changed, and counts it not. */

export interface Kept {
  readonly etag: string;
  readonly data: unknown;
  /** The `Link` header, which tells the next page. */
  readonly link: string | null;
}

export interface Etags {
  find(key: string): Kept | null;
  keep(key: string, kept: Kept, bytes: number): void;
}

const MOST_ENTRIES = 500;
const MOST_BYTES = 24 * 1024 * 1024;

/** The least lately used go first when there are too many or they are too big. */
export const createEtags = (mostEntries = MOST_ENTRIES, mostBytes = MOST_BYTES): Etags => {
  const entries = new Map<string, Kept & { readonly bytes: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    find: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return null;
      // A map keeps the order of insertion: the newest use goes to its end.
      entries.delete(key);
      entries.set(key, entry);
      return entry;
    },
    keep: (key, kept, bytes) => {
      drop(key);
      if (bytes > mostBytes / 4) return;
      entries.set(key, { ...kept, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (entries.size <= mostEntries && total <= mostBytes) break;
        drop(oldest);
      }
    },
  };
};
