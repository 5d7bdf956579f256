/** What a rehearsal adds up to. */

import { hourlyCost } from "./cost.ts";
import type { GuardName } from "./guard-name.ts";
import type { JobKind, ProfileSpec } from "./types.ts";

/** One incarnation of a lab in a rehearsal. */
export interface LivedLab {
  readonly name: string;
  readonly team: string;
  readonly workers: number;
  readonly profile: ProfileSpec;
  /** From its first call to a cloud; null when it never came to that. */
  readonly begun: Date | null;
  readonly ready: Date | null;
  readonly gone: Date | null;
  readonly updates: number;
}

/** A change that a guard held, by the commit that first asked for it. */
export interface RehearsedHold {
  readonly commit: string;
  readonly at: Date;
  readonly guard: GuardName;
  readonly lab: string;
  readonly action: string;
}

export interface RehearsalFacts {
  readonly from: Date;
  readonly to: Date;
  readonly commits: number;
  readonly labs: readonly LivedLab[];
  readonly waits: readonly { readonly job: JobKind; readonly seconds: number }[];
  readonly holds: readonly RehearsedHold[];
  readonly failures: readonly { readonly job: JobKind; readonly code: string; readonly count: number }[];
  /** Commits at which some file, or the catalog's policy, could not be used. */
  readonly refused: readonly { readonly commit: string; readonly problems: number }[];
}

/** Seconds. */
export interface Quantiles {
  readonly jobs: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

export interface Rehearsal {
  readonly from: Date;
  readonly to: Date;
  readonly commits: number;
  readonly labs: {
    /** Those that the branch had at the beginning, where it begins with any, are not among them. */
    readonly made: number;
    readonly atBegin: number;
    readonly changed: number;
    readonly destroyed: number;
    readonly mostAtOnce: number;
    readonly atEnd: number;
  };
  readonly queue: Readonly<Partial<Record<JobKind, Quantiles>>>;
  readonly holds: readonly {
    readonly guard: GuardName;
    readonly commit: string;
    readonly at: Date;
    readonly labs: readonly string[];
  }[];
  readonly failures: RehearsalFacts["failures"];
  readonly refused: RehearsalFacts["refused"];
  /** US dollars, by team and month (`2026-01`), sorted by both. */
  readonly cost: readonly { readonly team: string; readonly month: string; readonly dollars: number }[];
}

const HOUR = 3_600_000;
const cents = (dollars: number): number => Math.round(dollars * 100) / 100;

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export function quantiles(seconds: readonly number[]): Quantiles {
  const sorted = [...seconds].sort((a, b) => a - b);
  return { jobs: sorted.length, p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), max: sorted.at(-1) ?? 0 };
}

/** Most intervals that overlap in any moment; one that ends as another begins is over. */
export function mostAtOnce(intervals: readonly { readonly from: Date; readonly to: Date }[]): number {
  const edges = intervals.flatMap(({ from, to }) => [
    { at: from.getTime(), step: 1 },
    { at: to.getTime(), step: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { step } of edges.sort((a, b) => a.at - b.at || a.step - b.step)) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

const monthOf = (at: Date): string => at.toISOString().slice(0, 7);
const nextMonth = (at: Date): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1));

/** Hours of an interval by calendar month, in UTC. */
export function hoursByMonth(from: Date, to: Date): readonly { readonly month: string; readonly hours: number }[] {
  const parts: { month: string; hours: number }[] = [];
  for (let at = from; at < to; at = nextMonth(at)) {
    const until = Math.min(to.getTime(), nextMonth(at).getTime());
    parts.push({ month: monthOf(at), hours: (until - at.getTime()) / HOUR });
  }
  return parts;
}

function costs(labs: readonly LivedLab[], { from, to }: RehearsalFacts): Rehearsal["cost"] {
  const sums = new Map<string, { readonly team: string; readonly month: string; dollars: number }>();
  for (const { team, begun, gone, workers, profile } of labs) {
    if (begun === null) continue;
    const hourly = hourlyCost(profile, workers);
    for (const { month, hours } of hoursByMonth(begun < from ? from : begun, gone ?? to)) {
      const key = `${team} ${month}`;
      const sum = sums.get(key) ?? { team, month, dollars: 0 };
      sum.dollars += hours * hourly;
      sums.set(key, sum);
    }
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { team, month, dollars }]) => ({ team, month, dollars: cents(dollars) }));
}

function holdsByCommit(holds: readonly RehearsedHold[]): Rehearsal["holds"] {
  const groups = new Map<string, { guard: GuardName; commit: string; at: Date; labs: string[] }>();
  for (const { guard, commit, at, lab } of holds) {
    const key = `${commit} ${guard}`;
    const group = groups.get(key) ?? { guard, commit, at, labs: [] };
    group.labs.push(lab);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function rehearsalOf(facts: RehearsalFacts): Rehearsal {
  const { from, to, labs, waits } = facts;
  const begun = labs.flatMap(({ begun: since, gone }) => (since === null ? [] : [{ from: since, to: gone ?? to }]));
  const atBegin = labs.filter(({ ready }) => ready !== null && ready <= from);
  const kinds = [...new Set(waits.map(({ job }) => job))].sort();
  const secondsOf = (kind: JobKind): number[] => waits.flatMap(({ job, seconds }) => (job === kind ? [seconds] : []));
  return {
    from,
    to,
    commits: facts.commits,
    labs: {
      made: labs.filter(({ ready }) => ready !== null && ready > from).length,
      atBegin: atBegin.length,
      changed: labs.reduce((sum, { updates }) => sum + updates, 0),
      destroyed: labs.filter(({ gone }) => gone !== null).length,
      mostAtOnce: mostAtOnce(begun),
      atEnd: labs.filter(({ ready, gone }) => ready !== null && gone === null).length,
    },
    queue: Object.fromEntries(kinds.map((kind) => [kind, quantiles(secondsOf(kind))])),
    holds: holdsByCommit(facts.holds),
    failures: facts.failures,
    refused: facts.refused,
    cost: costs(labs, facts),
  };
}
