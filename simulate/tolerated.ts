import { LabkeeperError } from "../src/errors.ts";
import { Crash } from "./fate.ts";
import type { Simulation } from "./simulation.ts";
import { Violation } from "./violation.ts";

/** What faults may end in: said, tried again or refused. Everything else is a defect of labkeeper's own. */
const FINE = /^LK(1001|1004|3005|4001|4004|6001|6002|800[1-6])$/;

/** Keeps an error as wrong unless a fault explains it. */
export function tolerated(sim: Simulation, error: unknown): void {
  sim.said.push(error);
  if (sim.mended) sim.wrong.push(new Violation("P6", `fails with everything mended: ${said(error)}`, { cause: error }));
  if (sim.mended || error instanceof Crash) return;
  if (error instanceof LabkeeperError && FINE.test(error.code)) return;
  // A batch that a cut connection was part of.
  if (error instanceof AggregateError && error.errors.every((each) => each instanceof LabkeeperError)) return;
  sim.wrong.push(new Violation("defect", said(error), { cause: error }));
}

const said = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack}${error.cause === undefined ? "" : `\n  because ${said(error.cause)}`}`;
};
