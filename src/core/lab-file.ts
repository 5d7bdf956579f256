import { digestOf } from "./canonical.ts";
import { estimateCost } from "./cost.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { DocumentCode } from "./document-codes.ts";
import type { LabPath } from "./lab-path.ts";
import { isInPlaceOfTeam, readLabPath } from "./lab-path.ts";
import { byPlace, plain, problemAt, quoted, START } from "./problem.ts";
import { profileLabValidator } from "./profile-schema.ts";
import { resolveSpec } from "./resolve.ts";
import { explainErrors, schemaFields } from "./schema-explain.ts";
import { labSchema, labValidator } from "./schema-validators.ts";
import type { CatalogEntry, CatalogPolicy, DesiredFile, Json, LabDocument, Problem, Profile } from "./types.ts";
import type { YamlDocument } from "./yaml.ts";
import { parseYaml } from "./yaml.ts";

const fields = schemaFields(labSchema);

const textAt = (value: Json, ...keys: readonly string[]): string | null => {
  let at: Json | undefined = value;
  for (const key of keys) at = typeof at === "object" && at !== null && !Array.isArray(at) ? at[key] : undefined;
  return typeof at === "string" ? at : null;
};

/** Enough to find a name in a file whose syntax is broken; a name too many only keeps one lab more as it is. */
const NAME_LINE = /^[ \t]*["']?name["']?[ \t]*:[ \t]*["']?([A-Za-z0-9.-]{1,63})/gm;

const possibleNames = (document: YamlDocument | null, path: LabPath): string[] => {
  if (document === null) return [path.name];
  const read = textAt(document.value, "metadata", "name");
  const guessed = read === null ? [...document.text.matchAll(NAME_LINE)].slice(0, 10).map((match) => match[1]) : [read];
  return [...new Set([path.name, ...guessed])].filter((name): name is string => name !== undefined && name !== "");
};

/** What is chosen once, when a lab is made: a choice that is withdrawn later binds new labs only. */
const CHOSEN_ONCE = /^\/spec\/(?:version|region|baseDomain)(?:\/|$)/;
const NEW_LABS_ONLY: ReadonlySet<string> = new Set(["LK2102", "LK2203"]);

/** What refuses the file, and what only refuses to make a new lab of it. */
interface Findings {
  readonly problems: Problem[];
  readonly forNewLabs: Problem[];
}

const shapeProblems = (document: YamlDocument, profile: Profile | undefined): Findings => {
  const validate = profile === undefined ? labValidator() : profileLabValidator(profile);
  if (validate(document.value)) return { problems: [], forNewLabs: [] };
  const errors = validate.errors ?? [];
  const validateAny = labValidator();
  const isLab = validateAny(document.value);
  const general = explainErrors(document, isLab ? [] : validateAny.errors, { code: "LK2004", fields });
  if (profile === undefined) return { problems: general, forNewLabs: [] };
  const told = new Set(general.map(({ line, column }) => `${line}:${column}`));
  const particular = (about: (instancePath: string) => boolean): Problem[] =>
    explainErrors(
      document,
      errors.filter(({ instancePath }) => about(instancePath)),
      { code: "LK2103", remedy: `See what the profile allows: \`labkeeper schema ${profile.name}\`.`, fields },
    ).filter(({ line, column }) => !told.has(`${line}:${column}`));
  return {
    problems: [...general, ...particular((path) => !CHOSEN_ONCE.test(path))],
    forNewLabs: particular((path) => CHOSEN_ONCE.test(path)),
  };
};

type Found = readonly [pointer: string, code: DocumentCode, message: string];

const profileFindings = (name: string, team: string | null, policy: CatalogPolicy): Found[] => {
  const at = "/spec/profile";
  if (policy.unusableProfiles?.has(name) === true)
    return [[at, "LK2302", `the file of profile ${name} cannot be used`]];
  const profile = policy.profiles.get(name);
  const mayUse = team === null ? undefined : policy.teams.get(team)?.profiles;
  if (profile === undefined) {
    const near = didYouMean(name, policy.profiles.keys());
    return [[at, "LK2101", `there is no profile ${quoted(name)}${near === null ? "" : `; did you mean ${near}?`}`]];
  }
  const found: Found[] = [];
  if (!profile.spec.enabled) found.push([at, "LK2102", `profile ${name} is not enabled`]);
  if (mayUse !== undefined && !mayUse.includes(name))
    found.push([at, "LK2203", `team ${team} may not use profile ${name}; it may use ${mayUse.join(", ")}`]);
  return found;
};

const costFindings = (document: LabDocument, profile: Profile): Found[] => {
  const most = profile.spec.costControls.maxMonthlyCost;
  if (most === undefined) return [];
  const { monthly, untilExpiry } = estimateCost(profile.spec, resolveSpec(document, profile, null));
  const cost = Math.min(monthly, untilExpiry);
  if (cost <= most) return [];
  const message = `it would cost about ${cost} US dollars in a month and profile ${profile.name} allows ${most}`;
  return [["/spec", "LK2103", message]];
};

const teamFindings = (value: Json, path: LabPath, policy: CatalogPolicy): Found[] => {
  const team = textAt(value, "metadata", "team");
  if (team === null || policy.teams.has(team) || (path.refused === null && team !== path.team)) return [];
  const near = didYouMean(team, policy.teams.keys());
  return [
    ["/metadata/team", "LK2202", `there is no team ${quoted(team)}${near === null ? "" : `; did you mean ${near}?`}`],
  ];
};

const placeFindings = (value: Json, path: LabPath): Found[] => {
  if (path.refused !== null) return [];
  const found: Found[] = [];
  const name = textAt(value, "metadata", "name");
  const team = textAt(value, "metadata", "team");
  if (name !== null && name !== path.name)
    found.push(["/metadata/name", "LK2007", `metadata.name is ${quoted(name)} and the file is named ${path.name}`]);
  if (team !== null && team !== path.team)
    found.push(["/metadata/team", "LK2007", `metadata.team is ${quoted(team)} and the folder is ${path.team}`]);
  return found;
};

/** Everything wrong with a document; without problems it is a LabDocument. */
const documentProblems = (document: YamlDocument, path: LabPath, policy: CatalogPolicy | null): Findings => {
  if (document.problems.length > 0) return { problems: [...document.problems], forNewLabs: [] };
  const { value } = document;
  const profileName = textAt(value, "spec", "profile");
  const profile = profileName === null ? undefined : policy?.profiles.get(profileName);
  const { problems, forNewLabs } = shapeProblems(document, profile);
  const found = placeFindings(value, path);
  if (policy !== null) {
    found.push(...teamFindings(value, path, policy));
    if (profileName !== null)
      // Whose rules hold is only known once the folder and the file agree on the team.
      found.push(
        ...profileFindings(profileName, found.some(([, code]) => code === "LK2007") ? null : path.team, policy),
      );
  }
  if (profile !== undefined && problems.length + forNewLabs.length === 0)
    found.push(...costFindings(value as unknown as LabDocument, profile));
  const told = new Set([...problems, ...forNewLabs].map(({ line, column }) => `${line}:${column}`));
  for (const [pointer, code, message] of found) {
    const position = document.at(pointer);
    if (told.has(`${position.line}:${position.column}`)) continue;
    (NEW_LABS_ONLY.has(code) ? forNewLabs : problems).push(problemAt(document.path, position, code, message));
  }
  return { problems, forNewLabs };
};

const teamOf = (entry: Pick<CatalogEntry, "path">, path: LabPath, document: YamlDocument | null): string => {
  if (path.refused === null) return path.team;
  // Whatever stands in the place of a team's folder hides that team's labs, whoever it says it is.
  if (isInPlaceOfTeam(entry.path)) return plain(path.team);
  return textAt(document?.value ?? null, "metadata", "team") ?? plain(path.team);
};

const REFUSALS = {
  symlink: ["LK2005", "it is a symbolic link, which is never followed"],
  submodule: ["LK2005", "it is a submodule or a repository of its own, which is never entered"],
  "too-large": ["LK2003", "it is larger than 64 KiB"],
} as const;

/**
 * One lab file as desired state: a document that obeys the schema, its profile and its team's rules, or the problems
 * that refuse it, all of them. Never throws. Without a policy only the file itself is judged.
 */
export const readLabFile = (
  entry: Exclude<CatalogEntry, { kind: "removed" }>,
  policy: CatalogPolicy | null,
): DesiredFile => {
  const path = readLabPath(entry.path);
  const document = entry.kind === "file" ? parseYaml(entry.bytes, entry.path) : null;
  const found = document === null ? null : documentProblems(document, path, policy);
  const problems = found?.problems ?? [];
  if (entry.kind === "refused") {
    const [code, message] = REFUSALS[entry.why];
    problems.push(problemAt(entry.path, START, code, message));
  }
  if (path.refused !== null) problems.push(problemAt(entry.path, START, "LK2006", path.refused));
  const lab = problems.length === 0 && document !== null ? (document.value as unknown as LabDocument) : null;
  const names = lab === null ? possibleNames(document, path) : [lab.metadata.name];
  return {
    path: entry.path,
    blobOid: entry.blobOid,
    name: lab?.metadata.name ?? plain(path.name),
    mayBe: names,
    team: teamOf(entry, path, document),
    document: lab,
    digest: lab === null ? null : digestOf(lab),
    problems: [...problems, ...(found?.forNewLabs ?? [])].sort(byPlace),
  };
};
