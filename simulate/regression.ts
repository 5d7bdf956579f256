/** Histories in files: what failed once, with its steps, so that it stays the same whatever is drawn from its seed later. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type History, KINDS, type Step } from "./history.ts";

export interface Regression extends History {
  /** What failed, or what it shows. */
  readonly why: string;
}

/** JSON with one step a line, for people who compare. */
export function regressionText({ why, seed, hosted, steps }: Regression): string {
  const lines = steps.map((step) => `    ${JSON.stringify(step)}`);
  const list = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`;
  return `{\n  "why": ${JSON.stringify(why)},\n  "seed": ${seed},\n  "hosted": ${hosted},\n  "steps": ${list}\n}\n`;
}

const isStep = (value: unknown): value is Step =>
  typeof value === "object" && value !== null && "do" in value && KINDS.has(value.do as Step["do"]);

/** Throws a TypeError that names the file when it is no history. */
export function readRegression(path: string): Regression {
  const refuse = (what: string): never => {
    throw new TypeError(`${path}: ${what}`);
  };
  let read: Partial<Record<keyof Regression, unknown>>;
  try {
    read = JSON.parse(readFileSync(path, "utf8")) as typeof read;
  } catch (error) {
    return refuse((error as Error).message);
  }
  const { why, seed, hosted, steps } = read;
  if (typeof why !== "string") return refuse("why is no text");
  if (typeof seed !== "number" || !Number.isInteger(seed)) return refuse("seed is no whole number");
  if (typeof hosted !== "boolean") return refuse("hosted is neither true nor false");
  if (!Array.isArray(steps)) return refuse("steps is no list");
  const odd = steps.find((step) => !isStep(step));
  if (odd !== undefined) return refuse(`no such step: ${JSON.stringify(odd)}`);
  return { why, seed, hosted, steps };
}

/** Every history in a folder by its file's name, which is its seed's. */
export const regressionsIn = (folder: string): readonly (Regression & { readonly name: string })[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({ name: basename(file, ".json"), ...readRegression(join(folder, file)) }));
