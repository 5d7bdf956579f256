/**
 * Which lines of a comment are said by its author: outside of code, quotes, HTML and what Markdown hides (CommonMark 0.31,
 * sections 4.4 to 4.7, 5.1, 5.2, 6.1, 6.3, 6.6). A line counts only where no reading of what stands around it could make
 * it something else: where there is doubt it is not said, and its author can say it in a comment of its own.
 */

/** Only what CommonMark takes for one: a no-break space is text, and leaves a quote open. */
const BLANK = /^[ \t]*$/;
/** A fence, however deep in lists. */
const MARK = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:`{3,}[^`]*$|~{3,})/;
/** A fence whose place is beyond doubt: of its own, or the first thing in an item of a list. */
const PLAIN_FENCE = /^( {0,3}|[-*+] )(`{3,}(?=[^`]*$)|~{3,})/;
const QUOTE = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*>/;
/** What may begin HTML, which shows what it holds as it likes, or not at all, to the comment's end. */
const HTML = /<[A-Za-z!?/]/;
/** What may begin a title, a destination, a label or a picture's description: not shown, to the paragraph's end. */
const HIDDEN = /\][(:[]|!\[/;
/** Code, formulas and what is struck out go from one of these to another in the same paragraph. */
const MARKS = ["`", "~", "$"];

interface Fence {
  readonly mark: string;
  readonly column: number;
}

/** Between two empty lines. */
interface Chunk {
  readonly lines: string[];
  /** Those of the lines that are wanted and said, as far as is known. */
  readonly candidates: number[];
  /** By mark: the lines with the first and the last of it. How many stand together is not asked: some may be escaped. */
  readonly spans: Map<string, { readonly first: number; last: number }>;
  unsaid: boolean;
}

const chunk = (): Chunk => ({ lines: [], candidates: [], spans: new Map(), unsaid: false });

const readLine = (into: Chunk, line: string, isWanted: (line: string) => boolean): void => {
  const at = into.lines.push(line) - 1;
  // A line right below a quote still belongs to it (a lazy continuation).
  into.unsaid ||= QUOTE.test(line);
  if (!into.unsaid && isWanted(line)) into.candidates.push(at);
  into.unsaid ||= HIDDEN.test(line);
  for (const mark of MARKS.filter((each) => line.includes(each))) {
    const known = into.spans.get(mark);
    if (known === undefined) into.spans.set(mark, { first: at, last: at });
    else known.last = at;
  }
};

const said = ({ lines, candidates, spans }: Chunk): string[] =>
  candidates
    .filter((at) => ![...spans.values()].some(({ first, last }) => first < at && at <= last))
    .map((at) => lines[at] ?? "");

/** Where a line within a fence leaves it: inside, behind its end, or nobody knows. */
const stepInside = (fence: Fence, line: string): "inside" | "closed" | "doubt" => {
  if (BLANK.test(line)) return "inside";
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  // The list that it belongs to, if it does, ends here and takes it along.
  if (indent < fence.column) return "doubt";
  const closes = /^[ \t]*(`+|~+)[ \t]*$/.exec(line)?.[1]?.startsWith(fence.mark) === true;
  if (!closes) return "inside";
  return indent === fence.column && !line.includes("\t") ? "closed" : "doubt";
};

/** The wanted ones among a comment's lines, in their order. */
export const saidLines = (body: string, isWanted: (line: string) => boolean): readonly string[] => {
  const found: string[] = [];
  let current = chunk();
  let fence: Fence | null = null;
  let inDoubt = false;
  const endChunk = (): void => {
    found.push(...said(current));
    current = chunk();
    current.unsaid = inDoubt;
  };
  for (const line of body.split(/\r\n|\r|\n/)) {
    if (fence !== null) {
      const where = stepInside(fence, line);
      if (where === "inside") continue;
      fence = null;
      inDoubt ||= where === "doubt";
      current.unsaid ||= inDoubt;
      continue;
    }
    if (BLANK.test(line)) {
      endChunk();
      continue;
    }
    const [, before, mark] = PLAIN_FENCE.exec(line) ?? [];
    if (before !== undefined && mark !== undefined) {
      endChunk();
      fence = { mark, column: before.length };
      continue;
    }
    inDoubt ||= MARK.test(line) && !QUOTE.test(line);
    current.unsaid ||= inDoubt;
    readLine(current, line, isWanted);
    inDoubt ||= HTML.test(line);
    current.unsaid ||= inDoubt;
  }
  endChunk();
  return found;
};
