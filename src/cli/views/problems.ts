import type { Problem } from "../../core/types.ts";

const before = (a: Problem, b: Problem): number => {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line || a.column - b.column;
};

/** Problems of all files as one list, by path and place. */
export const problemsOf = (files: readonly { readonly problems: readonly Problem[] }[]): readonly Problem[] =>
  files.flatMap(({ problems }) => problems).sort(before);
