/** Holds what a page shows of a command's output against what the command says. */

/** What is another in each run, and how columns are filled, does not count. */
const masked = (line: string): string =>
  line
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "TIME")
    .replaceAll(/\b(team-[ab]-[a-z]+)-[a-z0-9]{5}\b/g, "$1-INFRA")
    .replaceAll(/\b[0-9a-f]{10,40}\b/g, "COMMIT")
    .replaceAll(/folder \S+ is gone/g, "folder FOLDER is gone")
    .replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replaceAll(/\b\d+[dhms](?: \d+[dhms])*\b/g, "SPAN")
    .replaceAll(/\s+/g, " ")
    .trim();

const pattern = (line: string): RegExp =>
  new RegExp(
    `^${masked(line)
      .split("…")
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );

/** The first shown line that the answer does not have where the page shows it; null when all are there. */
export function missing(shown: readonly string[], answer: string): string | null {
  const lines = answer.trimEnd().split("\n").map(masked);
  let at = 0;
  let skipping = false;
  for (const line of shown) {
    if (line.trim() === "…") {
      skipping = true;
      continue;
    }
    const found = skipping ? lines.findIndex((each, index) => index >= at && pattern(line).test(each)) : at;
    if (found < 0 || !pattern(line).test(lines[found] ?? "\u0000"))
      return `${line}\n  here stands: ${lines[at] ?? "(the end)"}`;
    at = found + 1;
    skipping = false;
  }
  return skipping || at === lines.length ? null : `(the end)\n  here stands: ${lines[at]}`;
}
