import { digestOf } from "./canonical.ts";
import { didYouMean } from "./did-you-mean.ts";
import { byPlace, consequently, problemAt, quoted, START } from "./problem.ts";
import type { ProfileFile } from "./profile.ts";
import { readProfile } from "./profile.ts";
import { explainErrors, schemaFields } from "./schema-explain.ts";
import { catalogSchema, catalogValidator } from "./schema-validators.ts";
import type { CatalogEntry, CatalogPolicy, GuardSettings, Problem, Profile, Roles, TeamPolicy } from "./types.ts";
import type { YamlDocument } from "./yaml.ts";
import { parseYaml } from "./yaml.ts";

export const CATALOG_FILE = "catalog.yaml";

interface CatalogSpec {
  readonly teams: readonly TeamPolicy[];
  readonly guards: GuardSettings;
  readonly roles?: Roles;
}

interface CatalogFile {
  readonly spec: CatalogSpec | null;
  readonly document: YamlDocument | null;
  readonly problems: readonly Problem[];
}

const REMEDY = "Fix catalog.yaml as docs/catalog.md says; labs stay as they are until then.";
const fields = schemaFields(catalogSchema);

const twice = (document: YamlDocument, teams: readonly TeamPolicy[]): Problem[] =>
  teams.flatMap((team, index) => {
    if (teams.findIndex((other) => other.name === team.name) === index) return [];
    const message = `team ${quoted(team.name)} is there twice`;
    return [problemAt(document.path, document.at(`/spec/teams/${index}/name`), "LK2301", message, REMEDY)];
  });

const freezeWindows = (document: YamlDocument, { freezeWindows: windows }: GuardSettings): Problem[] =>
  windows.flatMap((window, index) => {
    const at = (field: "from" | "to", message: string): Problem => {
      const pointer = `/spec/guards/freezeWindows/${index}/${field}`;
      return problemAt(document.path, document.at(pointer), "LK2301", message, REMEDY);
    };
    const missing = (["from", "to"] as const).filter((field) => Number.isNaN(Date.parse(window[field])));
    if (missing.length > 0)
      return missing.map((field) => at(field, `${quoted(window[field])} is not a time that exists`));
    return Date.parse(window.from) < Date.parse(window.to)
      ? []
      : [at("to", `freeze window ${quoted(window.name)} ends before it starts`)];
  });

const readCatalogFile = (entry: CatalogEntry | undefined): CatalogFile => {
  if (entry === undefined || entry.kind === "removed")
    return {
      spec: null,
      document: null,
      problems: [problemAt(CATALOG_FILE, START, "LK2301", "there is no catalog.yaml")],
    };
  if (entry.kind === "refused") {
    const message = `catalog.yaml is not a plain file of at most 64 KiB (${entry.why})`;
    return { spec: null, document: null, problems: [problemAt(CATALOG_FILE, START, "LK2301", message, REMEDY)] };
  }
  const document = parseYaml(entry.bytes, CATALOG_FILE);
  if (document.problems.length > 0)
    return { spec: null, document, problems: consequently(document.problems, "LK2301") };
  const validate = catalogValidator();
  if (!validate(document.value)) {
    const problems = explainErrors(document, validate.errors, { code: "LK2301", remedy: REMEDY, fields });
    return { spec: null, document, problems };
  }
  const { spec } = document.value as unknown as { spec: CatalogSpec };
  const problems = [...twice(document, spec.teams), ...freezeWindows(document, spec.guards)];
  return { spec: problems.length > 0 ? null : spec, document, problems };
};

/** A team that may use a profile which does not exist: a slip worth telling, but nothing depends on it. */
const unknownProfiles = (document: YamlDocument, teams: readonly TeamPolicy[], known: ReadonlySet<string>): Problem[] =>
  teams.flatMap((team, index) =>
    (team.profiles ?? []).flatMap((name, at) => {
      if (known.has(name)) return [];
      const near = didYouMean(name, known);
      const message = `team ${team.name} may use profile ${quoted(name)}, which does not exist${near === null ? "" : `; did you mean ${near}?`}`;
      return [problemAt(document.path, document.at(`/spec/teams/${index}/profiles/${at}`), "LK2101", message)];
    }),
  );

/** The last file of a name wins, so a catalog's own profile stands in for a shipped one, even when it is unusable. */
const joinProfiles = (files: readonly ProfileFile[]): { usable: Map<string, Profile>; unusable: Set<string> } => {
  const usable = new Map<string, Profile>();
  const unusable = new Set<string>();
  for (const { name, profile } of files) {
    usable.delete(name);
    unusable.delete(name);
    if (profile === null) unusable.add(name);
    else usable.set(name, profile);
  }
  return { usable, unusable };
};

const sameName = (files: readonly (ProfileFile & { readonly path: string })[]): Map<string, Problem[]> => {
  const problems = new Map<string, Problem[]>();
  for (const file of files) {
    const others = files.filter((other) => other.name === file.name && other.path !== file.path);
    if (others.length === 0) continue;
    const message = `profile ${quoted(file.name)} is also in ${others.map((other) => other.path).join(", ")}`;
    problems.set(file.path, [problemAt(file.path, START, "LK2302", message)]);
  }
  return problems;
};

const readOwnProfiles = (entries: readonly CatalogEntry[]): ProfileFile[] => {
  const files = entries.flatMap((entry) => {
    const file = readProfile(entry);
    return file === null ? [] : [{ ...file, path: entry.path }];
  });
  const clashes = sameName(files);
  return files.map(({ path, ...file }) => {
    const clash = clashes.get(path);
    return clash === undefined ? file : { ...file, profile: null, problems: [...file.problems, ...clash] };
  });
};

/** The profiles of a catalog over those that labkeeper ships, for whoever needs no teams. */
export const readProfiles = (
  entries: readonly CatalogEntry[],
  shipped: readonly CatalogEntry[],
): {
  readonly usable: ReadonlyMap<string, Profile>;
  readonly unusable: ReadonlySet<string>;
  readonly problems: readonly Problem[];
} => {
  const files = [...shipped.map(readProfile).filter((file) => file !== null), ...readOwnProfiles(entries)];
  return { ...joinProfiles(files), problems: files.flatMap((file) => file.problems) };
};

/**
 * The policy of a catalog from its `catalog.yaml` and `profiles/`, over the profiles that labkeeper ships.
 *
 * A profile that cannot be used concerns its own labs only: it is left out, named in `unusableProfiles`, and told
 * (LK2302). A `catalog.yaml` that is missing or cannot be used leaves no policy at all (LK2301): then nothing may change.
 */
export const readPolicy = (
  entries: readonly CatalogEntry[],
  shipped: readonly CatalogEntry[],
): { readonly policy: CatalogPolicy | null; readonly problems: readonly Problem[] } => {
  const { usable, unusable, problems: profileProblems } = readProfiles(entries, shipped);
  const { spec, document, problems } = readCatalogFile(entries.find((entry) => entry.path === CATALOG_FILE));
  const known = new Set([...usable.keys(), ...unusable]);
  const all = [...profileProblems, ...problems];
  if (spec !== null && document !== null) all.push(...unknownProfiles(document, spec.teams, known));
  return { policy: spec === null ? null : joined(spec, usable, unusable), problems: all.sort(byPlace) };
};

const joined = (
  { teams, guards, roles }: CatalogSpec,
  profiles: ReadonlyMap<string, Profile>,
  unusable: ReadonlySet<string>,
): CatalogPolicy => ({
  teams: new Map(teams.map((team) => [team.name, team])),
  guards,
  profiles,
  unusableProfiles: unusable,
  ...(roles && { roles }),
  digest: digestOf({
    teams,
    guards,
    roles,
    profiles: [...profiles.values()].map(({ name, digest }) => [name, digest]).sort(),
    unusable: [...unusable].sort(),
  }),
});
