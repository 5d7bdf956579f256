/** How far an install is, told from the installer's log. */

import { parseLogLine } from "./log-line.ts";

/** Named by what the cluster may still become: from bootstrap on, it can finish without the run that started it. */
export type Stage = "infrastructure" | "bootstrap" | "initialize" | "complete";

export interface Progress {
  readonly phase: string;
  readonly percent: number;
  readonly stage: Stage;
}

type Sign = readonly [text: string, percent: number, stage: Stage, phase: string];

/** In the order in which a good install says them; shares of the time as they are on AWS. */
const SIGNS: readonly Sign[] = [
  ["Consuming Install Config", 1, "infrastructure", "reading the configuration"],
  ["Creating infrastructure resources", 3, "infrastructure", "creating infrastructure"],
  ["Started local control plane", 5, "infrastructure", "creating infrastructure"],
  ["Network infrastructure is ready", 10, "infrastructure", "creating machines"],
  ["Control-plane machines are ready", 15, "infrastructure", "waiting for the Kubernetes API"],
  ["for the Kubernetes API at", 18, "infrastructure", "waiting for the Kubernetes API"],
  ["API v", 28, "bootstrap", "waiting for bootstrap"],
  ["for bootstrapping to complete", 30, "bootstrap", "waiting for bootstrap"],
  ["Destroying the bootstrap resources", 50, "initialize", "removing the bootstrap node"],
  ["It is now safe to remove the bootstrap resources", 50, "initialize", "removing the bootstrap node"],
  ["to initialize", 55, "initialize", "waiting for operators"],
  ["to ensure each cluster operator has finished progressing", 92, "initialize", "checking that operators are stable"],
  ["Checking to see if there is a route at", 95, "initialize", "looking for the console"],
  ["Install complete!", 100, "complete", "installed"],
];

/** `Working towards 4.20.3: 612 of 904 done (67% complete)`: between the start of operators and their being stable. */
const OPERATORS = /Working towards [^:]{1,64}: \d{1,6} of \d{1,6} done \((\d{1,3})% complete\)/;
const OPERATORS_FROM = 55;
const OPERATORS_TO = 92;

/** What a line says about progress; null for most lines. */
export function progressOf(raw: string): Progress | null {
  const { level, message } = parseLogLine(raw);
  if (level === "error" || level === "fatal" || level === "warning") return null;
  const [, done] = OPERATORS.exec(message) ?? [];
  if (done !== undefined) {
    const share = Math.min(100, Number(done)) / 100;
    const percent = Math.round(OPERATORS_FROM + share * (OPERATORS_TO - OPERATORS_FROM));
    return { phase: "waiting for operators", percent, stage: "initialize" };
  }
  const sign = SIGNS.find(([text]) => (text === "API v" ? /^API v\S{1,64} up/.test(message) : message.includes(text)));
  return sign === undefined ? null : { phase: sign[3], percent: sign[1], stage: sign[2] };
}

const STAGES: readonly Stage[] = ["infrastructure", "bootstrap", "initialize", "complete"];

export const laterStage = (a: Stage, b: Stage): Stage => (STAGES.indexOf(a) >= STAGES.indexOf(b) ? a : b);

/** Lines in, changes out: the percentage never falls, as operators that are upgraded again would make it do. */
export function progressTracker(): (raw: string) => Progress | null {
  let last: Progress | null = null;
  return (raw) => {
    const next = progressOf(raw);
    if (next === null) return null;
    if (
      last !== null &&
      (next.percent < last.percent || (next.percent === last.percent && next.phase === last.phase))
    ) {
      return null;
    }
    last = next;
    return next;
  };
}
