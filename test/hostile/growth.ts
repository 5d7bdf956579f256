/** How the cost of reading a text grows with its length: ratios of this thread's own processor time, never seconds. */

import { type Attack, textOf } from "./pumping.ts";

/** Processor time of this thread in milliseconds: what other processes do meanwhile does not count. */
const cost = (work: () => unknown): number => {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
};

/** A cost below this is noise, and nothing that grows with the square of 16,000 characters stays below it. */
const NOISE_MS = 16;
const SHORT = 4_000;
const LONG = 16_000;
/** Four times the text: 4 when linear, 16 when quadratic. */
const MOST = 9;
const ATTEMPTS = 3;

/** Where an expression that explodes shows it before it hangs: short, then longer. */
const RAMP = [12, 18, 24, 28, 64, 256, 1_000];
const EXPLODED_MS = 40;

/**
 * Why the reader must not meet such a text; null when its cost grows no faster than the text between two lengths. What
 * is bounded rather than linear shows it above its bound.
 */
export function superlinear(
  read: (text: string) => unknown,
  attack: Attack,
  { short = SHORT, long: longest = LONG } = {},
): string | null {
  for (const length of RAMP) {
    const text = textOf(attack, length);
    if (cost(() => read(text)) > EXPLODED_MS && each(read, text) > EXPLODED_MS)
      return told(attack, `${length} characters cost too much`);
  }
  const long = textOf(attack, longest);
  if (cost(() => read(long)) < NOISE_MS) return null;
  // What else happens on a machine can only be mistaken for growth, so growth must show every time.
  for (let attempt = 1; ; attempt++) {
    const growth = each(read, long) / each(read, textOf(attack, short));
    if (growth < MOST) return null;
    if (attempt === ATTEMPTS)
      return told(attack, `${longest / short} times the text costs ${growth.toFixed(0)} times as much`);
  }
}

/** Long enough for clocks that tick every few milliseconds. */
const MEASURED_MS = 25;

/** The cost of reading once, from as often as it takes to measure it. */
function each(read: (text: string) => unknown, text: string): number {
  for (let times = 1; ; times *= 2) {
    const spent = cost(() => {
      for (let time = 0; time < times; time++) read(text);
    });
    if (spent >= MEASURED_MS) return spent / times;
  }
}

const told = ({ before, pump, after }: Attack, why: string): string =>
  `${JSON.stringify(before)} then ${JSON.stringify(pump)} again and again then ${JSON.stringify(after)}: ${why}`;
