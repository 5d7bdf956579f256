/**
 * JSON text that Postgres' jsonb takes: it refuses NUL and lone surrogates, which a hostile file may smuggle into a
 * problem's message. They become U+FFFD; everything else is unchanged.
 */
export function jsonb(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === "string" ? storable(item) : item));
}

/** Text that Postgres takes: it refuses NUL, which becomes U+FFFD as in `jsonb`. */
export const storable = (text: string): string => text.replaceAll("\0", "\ufffd").toWellFormed();
