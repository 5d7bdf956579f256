/** What an edit of `catalog.yaml` or of a profile means for the labs that live. */

import { canonicalJson } from "./canonical.ts";
import type { PolicyChange } from "./pull-request.ts";
import type { CatalogPolicy, FieldChange, Json, JsonObject, TeamPolicy } from "./types.ts";

/** Live labs by the profile they pinned: how many, and the names of some. */
export type LiveLabs = ReadonlyMap<string, { readonly count: number; readonly names: readonly string[] }>;

export interface PolicyEdit {
  /** Null where it cannot be used: then nothing is compared, and its problems say why. */
  readonly before: CatalogPolicy | null;
  readonly after: CatalogPolicy | null;
  /** Files of the policy that the pull request changes. */
  readonly paths: readonly string[];
}

/** Null when no file of the policy changes. A file that only reads differently changes nothing, and that is told too. */
export const policyChange = ({ before, after, paths }: PolicyEdit, live: LiveLabs): PolicyChange | null => {
  if (paths.length === 0) return null;
  const usable = before !== null && after !== null;
  return {
    paths: [...paths].sort(),
    profiles: usable ? changedProfiles(before, after, live) : [],
    settings: usable ? changedSettings(before, after) : [],
  };
};

/** A profile whose file cannot be used any more has changed too. */
const changedProfiles = (before: CatalogPolicy, after: CatalogPolicy, live: LiveLabs): PolicyChange["profiles"] => {
  const names = new Set([...before.profiles.keys(), ...after.profiles.keys()]);
  return [...names].sort().flatMap((name) => {
    const change = kindOf(before, after, name);
    const { count, names: labs } = live.get(name) ?? { count: 0, names: [] };
    return change === null ? [] : [{ name, change, liveLabs: count, labs: labs.slice(0, 10) }];
  });
};

const kindOf = (before: CatalogPolicy, after: CatalogPolicy, name: string): "added" | "changed" | "removed" | null => {
  const old = before.profiles.get(name)?.digest;
  const present = after.profiles.get(name)?.digest;
  if (old === present) return null;
  if (old === undefined) return "added";
  return present === undefined && !after.unusableProfiles?.has(name) ? "removed" : "changed";
};

const changedSettings = (before: CatalogPolicy, after: CatalogPolicy): FieldChange[] => [
  ...difference("guards", { ...before.guards }, { ...after.guards }),
  ...difference("roles", { ...before.roles }, { ...after.roles }),
  ...[...new Set([...before.teams.keys(), ...after.teams.keys()])]
    .sort()
    .flatMap((name) => teamDifference(name, before.teams.get(name), after.teams.get(name))),
];

const teamDifference = (name: string, before: TeamPolicy | undefined, after: TeamPolicy | undefined): FieldChange[] =>
  before === undefined || after === undefined
    ? [{ path: `teams.${name}`, before: jsonOf(before), after: jsonOf(after) }]
    : difference(`teams.${name}`, { ...before }, { ...after });

const difference = (at: string, before: object, after: object): FieldChange[] => {
  const [old, present] = [jsonOf(before) as JsonObject, jsonOf(after) as JsonObject];
  return [...new Set([...Object.keys(old), ...Object.keys(present)])]
    .sort()
    .map((key) => ({ path: `${at}.${key}`, before: old[key] ?? null, after: present[key] ?? null }))
    .filter((field) => canonicalJson(field.before) !== canonicalJson(field.after));
};

/** What a document said, as plain JSON: it came from YAML and has nothing else in it. */
const jsonOf = (value: unknown): Json => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json));
