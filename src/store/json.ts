/**
 * JSON text that Postgres' jsonb takes: it refuses NUL and lone surrogates, which a hostile file may smuggle into a
 * problem's message. They become U+FFFD; everything else is unchanged.
 */
export function jsonb(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "string" ? item.replaceAll("\0", "\ufffd").toWellFormed() : item,
  );
}
