import type { Json, Problem } from "../../core/types.ts";

export type FileProblem = Problem;

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const number = (value: Json | undefined): number => (typeof value === "number" ? value : 1);

/** Problems as the database keeps them (JSON by file) as one sorted list. */
export const problemsOf = (
  rows: readonly { readonly path: string; readonly problems: Json }[],
): readonly FileProblem[] =>
  rows
    .flatMap(({ path, problems }) =>
      (Array.isArray(problems) ? problems : []).map((problem): FileProblem => {
        const fields = typeof problem === "object" && problem !== null && !Array.isArray(problem) ? problem : {};
        return {
          path: text(fields["path"]) || path,
          line: number(fields["line"]),
          column: number(fields["column"]),
          code: text(fields["code"]),
          message: text(fields["message"]),
          remedy: text(fields["remedy"]),
        };
      }),
    )
    .sort((a, b) => (a.path === b.path ? a.line - b.line || a.column - b.column : a.path < b.path ? -1 : 1));
