import { monthlyCost } from "./cost.ts";
import { labNameOf } from "./lab-path.ts";
import type { Position } from "./problem.ts";
import { byPlace, problemAt, quoted } from "./problem.ts";
import { resolveSpec } from "./resolve.ts";
import type { CatalogPolicy, DesiredFile, Problem } from "./types.ts";

/** What the catalog's rules are applied to. */
export interface RuleInput {
  /** The lab files that were read. */
  readonly files: readonly DesiredFile[];
  /** Paths of further lab files, not read: their paths say enough, because file = name and folder = team. */
  readonly elsewhere: readonly string[];
  readonly policy: CatalogPolicy;
  /** Where a field stands in a file. */
  readonly locate: (path: string, pointer: string) => Position;
}

type Locate = RuleInput["locate"];

const grouped = <Value, Key>(values: Iterable<Value>, key: (value: Value) => Key): Map<Key, Value[]> => {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
};

const SHOWN = 3;

/** Two files of one name are both refused: nothing says which of them is meant (LK2201). */
const sharedNames = ({ files, elsewhere, locate }: RuleInput): Problem[] => {
  const paths = new Map(
    [...grouped(files, ({ name }) => name)].map(([name, own]) => [name, own.map(({ path }) => path)]),
  );
  for (const path of elsewhere) paths.get(labNameOf(path))?.push(path);
  return files.flatMap(({ name, path }) => {
    const sharing = paths.get(name) ?? [];
    if (sharing.length < 2) return [];
    const shown = sharing
      .slice(0, SHOWN + 1)
      .filter((other) => other !== path)
      .slice(0, SHOWN);
    const more = sharing.length - 1 - shown.length;
    const message = `name ${quoted(name)} is also used by ${shown.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
    return [problemAt(path, locate(path, "/metadata/name"), "LK2201", message)];
  });
};

/** One problem for a team that has more labs than it may, told at the last file that was read (LK2204). */
const labQuotas = ({ files, elsewhere, policy, locate }: RuleInput): Problem[] =>
  [...grouped(files, ({ team }) => team)].flatMap(([name, own]) => {
    const most = policy.teams.get(name)?.maxActiveLabs;
    const last = own.at(-1);
    if (most === undefined || last === undefined) return [];
    const count = own.length + elsewhere.filter((path) => path.startsWith(`labs/${name}/`)).length;
    if (count <= most) return [];
    const message = `team ${name} would have ${count} labs and may have ${most}`;
    return [problemAt(last.path, locate(last.path, "/metadata/team"), "LK2204", message)];
  });

const monthlyCostOf = ({ document }: DesiredFile, policy: CatalogPolicy): number => {
  const profile = document === null ? undefined : policy.profiles.get(document.spec.profile);
  return document === null || profile === undefined
    ? 0
    : monthlyCost(profile.spec, resolveSpec(document, profile, null).workers);
};

/** Only when every file was read: a sum over some of them says nothing. */
const budgets = ({ files, policy, locate }: RuleInput): Problem[] =>
  [...grouped(files, ({ team }) => team)].flatMap(([name, own]) => {
    const most = policy.teams.get(name)?.monthlyBudget;
    if (most === undefined) return [];
    const cost = own.reduce((sum, file) => sum + monthlyCostOf(file, policy), 0);
    const last = own.at(-1);
    if (cost <= most || last === undefined) return [];
    const message = `the labs of team ${name} would cost about ${Math.ceil(cost)} US dollars a month and its budget is ${most}`;
    return [problemAt(last.path, locate(last.path, "/metadata/team"), "LK2204", message)];
  });

/** Rules that no file can break alone: unique names, teams' quotas and budgets. */
export const catalogRules = (input: RuleInput): Problem[] =>
  [...sharedNames(input), ...labQuotas(input), ...(input.elsewhere.length === 0 ? budgets(input) : [])].sort(byPlace);

const IMMUTABLE = ["profile", "version", "region", "baseDomain"] as const;

/**
 * Fields that a lab keeps for life (LK2205). `base` and `head` are one lab's file before and after; a file that is
 * refused on either side is not compared. A field left out counts as the profile's default.
 */
export const immutableProblems = (
  base: DesiredFile,
  head: DesiredFile,
  policy: CatalogPolicy,
  locate: Locate,
): Problem[] => {
  if (base.document === null || head.document === null) return [];
  const profile = policy.profiles.get(head.document.spec.profile);
  const [before, after] = [base.document, head.document].map((document) =>
    profile === undefined || document.spec.profile !== profile.name
      ? document.spec
      : { ...resolveSpec(document, profile, null) },
  );
  // A new profile changes everything with it; the one line says it.
  const fields = base.document.spec.profile === head.document.spec.profile ? IMMUTABLE : (["profile"] as const);
  return fields.flatMap((field) => {
    const [was, is] = [before?.[field] ?? null, after?.[field] ?? null];
    if (was === is) return [];
    const message = `spec.${field} of ${head.name} changes from ${quoted(was)} to ${quoted(is)} and cannot be changed in place`;
    return [problemAt(head.path, locate(head.path, `/spec/${field}`), "LK2205", message)];
  });
};
