const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** Seconds as its two largest units: `3d 4h`, `2m 5s`, `0s`. Negative counts as zero. */
export const duration = (seconds: number): string => {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [name, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (parts.length > 0 && count === 0) break;
    if (count > 0) parts.push(`${count}${name}`);
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0s";
};

export const secondsBetween = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;

/** `in 3h` or `5m ago`, as seen from `now`. */
export const relative = (at: Date, now: Date): string => {
  const seconds = secondsBetween(now, at);
  return seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
};

/** `2026-01-31 12:00:05Z`: sortable, and the zone is said. */
export const stamp = (at: Date): string =>
  at
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
