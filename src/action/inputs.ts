import { LabkeeperError } from "../errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `problems`: what is wrong in the catalog; `holds`: also what would wait for an approval. */
const FAIL_ON = ["problems", "holds", "never"] as const;
export type FailOn = (typeof FAIL_ON)[number];

export interface Inputs {
  /** The catalog's folder, from the workspace. */
  readonly path: string;
  /** A branch, tag or commit; null: what the event says. */
  readonly base: string | null;
  /** A folder with further profiles, from the workspace. */
  readonly profiles: string | null;
  readonly failOn: FailOn;
  readonly summary: boolean;
}

const isFailOn = (text: string): text is FailOn => FAIL_ON.some((each) => each === text);

/**
 * The inputs as the runner hands them over: `INPUT_` and the name in capitals, spaces replaced, hyphens kept.
 * Throws LK7001 that says everything that is wrong. https://docs.github.com/actions/reference/metadata-syntax-reference#inputs
 */
export const readInputs = (environment: Environment): Inputs => {
  const input = (name: string): string | null => environment[`INPUT_${name.toUpperCase()}`]?.trim() || null;
  const problems: string[] = [];
  const failOn = input("fail-on") ?? "problems";
  const summary = input("comment-summary") ?? "true";
  if (!isFailOn(failOn)) problems.push(`fail-on is one of ${FAIL_ON.join(", ")}`);
  if (!/^(true|false)$/i.test(summary)) problems.push("comment-summary is true or false");
  if (problems.length > 0 || !isFailOn(failOn))
    throw new LabkeeperError("LK7001", problems.join("; "), { remedy: "Mend the step's `with`: see docs/action.md." });
  return {
    path: input("path") ?? ".",
    base: input("base"),
    profiles: input("profiles"),
    failOn,
    summary: /^true$/i.test(summary),
  };
};
