// biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room on the screen
const SGR = /\u001b\[[0-9;]*m/g;

/** Columns a text takes on the screen, colours aside. */
export const widthOf = (text: string): number => [...text.replace(SGR, "")].length;

const padTo = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)));

/** Rows as aligned columns, two spaces apart; the last column is not padded. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : padTo(cell, widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
};

/** Shortened to fit, with `…` for what is missing. Counts characters, so pass text without colours. */
export const shorten = (text: string, width: number): string => {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
};
