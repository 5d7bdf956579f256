/** Times, durations and money as people read them. */

import { type Markdown, trusted } from "./text.ts";

/** `2026-03-01 12:00 UTC`; what is no time is said to be unknown. */
export const timeWords = (at: Date | string): string => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "an unknown time" : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
};

/** `40 s`, `12 min`, `1 h 5 min`, `3 d 4 h`. Seconds. */
export const durationWords = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return "an unknown time";
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return pair(hours, "h", minutes % 60, "min");
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
};

const pair = (first: number, firstUnit: string, second: number, secondUnit: string): string =>
  second === 0 ? `${first} ${firstUnit}` : `${first} ${firstUnit} ${second} ${secondUnit}`;

/** US dollars. The sign would begin a formula. */
export const money = (dollars: number): Markdown => {
  const amount = dollars.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return trusted(`&#36;${amount}`);
};

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
