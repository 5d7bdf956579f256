import { parseArgs } from "node:util";
import type { Effort } from "./search.ts";

export interface Settings extends Effort {
  readonly targets: readonly string[];
  readonly json: boolean;
}

export const usage = (targets: readonly string[]): string => `npm run fuzz -- [options]

  --target NAME  only this one, repeatable: ${targets.join(", ")}
  --seconds N    for each target (30)
  --inputs N     for each target, at most (no limit)
  --seed N       the same seed tries the same inputs (1)
  --json         figures for programs
`;

/** Throws a TypeError that says what is wrong with the arguments. */
export function settingsFrom(argv: readonly string[], known: readonly string[]): Settings | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      target: { type: "string", multiple: true, default: [...known] },
      seconds: { type: "string", default: "30" },
      inputs: { type: "string" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const strange = values.target.find((name) => !known.includes(name));
  if (strange !== undefined) throw new TypeError(`--target ${strange}: there are ${known.join(", ")}`);
  return {
    targets: values.target,
    seconds: count("--seconds", values.seconds),
    inputs: values.inputs === undefined ? Number.POSITIVE_INFINITY : count("--inputs", values.inputs),
    seed: count("--seed", values.seed),
    json: values.json,
  };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== "") return value;
  throw new TypeError(`${option} ${text}: a whole number is needed`);
}
