import { digestOf } from "./canonical.ts";
import { awsSettings, ibmSettings } from "./openshift/platform-config.ts";
import { byPlace, consequently, plain, problemAt, quoted, START } from "./problem.ts";
import { explainErrors, schemaFields } from "./schema-explain.ts";
import { profileSchema, profileValidator } from "./schema-validators.ts";
import type { CatalogEntry, Choice, Problem, Profile, ProfileSpec } from "./types.ts";
import type { YamlDocument } from "./yaml.ts";
import { parseYaml } from "./yaml.ts";

/** A profile's file: usable, or the problems that make it unusable. */
export interface ProfileFile {
  /** What the file's name says: labs that ask for it are concerned, whatever the content is. */
  readonly name: string;
  readonly profile: Profile | null;
  readonly problems: readonly Problem[];
}

type Finding = readonly [pointer: string, message: string];

const choiceFindings = (field: string, choice: Choice | undefined): Finding[] =>
  choice === undefined || choice.allowlist.includes(choice.default)
    ? []
    : [[`/spec/${field}/default`, `spec.${field}.default is ${quoted(choice.default)}, which its allowlist has not`]];

const computeFindings = ({ compute, platform }: ProfileSpec): Finding[] => {
  const findings: Finding[] = [];
  const { replicas, minReplicas, maxReplicas } = compute.workers;
  const at = "/spec/compute/workers";
  if (minReplicas > maxReplicas)
    findings.push([`${at}/minReplicas`, `spec.compute.workers.minReplicas is more than maxReplicas (${maxReplicas})`]);
  else if (replicas < minReplicas || replicas > maxReplicas)
    findings.push([`${at}/replicas`, `spec.compute.workers.replicas must be from ${minReplicas} to ${maxReplicas}`]);
  const isCluster = platform === "aws" || platform === "ibmcloud";
  if (isCluster && !compute.controlPlane.schedulable && minReplicas === 0)
    findings.push([
      `${at}/minReplicas`,
      "spec.compute.workers.minReplicas must be at least 1 when the control plane is not schedulable",
    ]);
  return findings;
};

const lifecycleFindings = ({ lifecycle }: ProfileSpec): Finding[] =>
  lifecycle.defaultTTLHours > lifecycle.maxTTLHours
    ? [
        [
          "/spec/lifecycle/defaultTTLHours",
          `spec.lifecycle.defaultTTLHours is more than maxTTLHours (${lifecycle.maxTTLHours})`,
        ],
      ]
    : [];

const tagFindings = ({ tags }: ProfileSpec): Finding[] =>
  tags.allowUserTags
    ? []
    : tags.required
        .filter((tag) => !Object.hasOwn(tags.defaults, tag))
        .map((tag) => [
          "/spec/tags/required",
          `spec.tags.required has ${quoted(tag)}, which no lab can give: it has no default and labs may not name tags`,
        ]);

const platformFindings = ({ platform, platformConfig }: ProfileSpec): Finding[] =>
  Object.keys(platformConfig ?? {})
    .filter((key) => key !== platform)
    .map((key) => [
      `/spec/platformConfig/${key}`,
      `spec.platformConfig.${key} is read by nothing: the platform is ${platform}`,
    ]);

/** Our own provisioner's settings; what an operator's own one reads is the operator's to check. */
const openshiftFindings = ({ provisioner, platform, platformConfig }: ProfileSpec): Finding[] => {
  if (provisioner !== "openshift" || platformConfig?.[platform] === undefined) return [];
  const read = platform === "ibmcloud" ? ibmSettings(platformConfig) : awsSettings(platformConfig);
  return "problem" in read ? [[`/spec/platformConfig/${platform}`, `spec.${read.problem}`]] : [];
};

const crossFindings = (spec: ProfileSpec): Finding[] => [
  ...choiceFindings("openshiftVersions", spec.openshiftVersions),
  ...choiceFindings("regions", spec.regions),
  ...choiceFindings("baseDomains", spec.baseDomains),
  ...computeFindings(spec),
  ...lifecycleFindings(spec),
  ...tagFindings(spec),
  ...platformFindings(spec),
  ...openshiftFindings(spec),
];

const fields = schemaFields(profileSchema);

const readContent = (document: YamlDocument, name: string): { profile: Profile | null; problems: Problem[] } => {
  if (document.problems.length > 0) return { profile: null, problems: consequently(document.problems, "LK2302") };
  const validate = profileValidator();
  if (!validate(document.value))
    return { profile: null, problems: explainErrors(document, validate.errors, { code: "LK2302", fields }) };
  const { metadata, spec } = document.value as unknown as { metadata: { name: string }; spec: ProfileSpec };
  const findings = crossFindings(spec);
  if (metadata.name !== name)
    findings.push([
      "/metadata/name",
      `metadata.name is ${quoted(metadata.name)} and the file's name says ${quoted(name)}`,
    ]);
  const problems = findings.map(([pointer, message]) =>
    problemAt(document.path, document.at(pointer), "LK2302", message),
  );
  return problems.length > 0
    ? { profile: null, problems }
    : { profile: { name, digest: digestOf({ name, spec }), spec }, problems: [] };
};

/** The profile that `profiles/NAME.yaml` (or `.yml`) stands for; null for a file that is no profile by its name. */
const profileName = (path: string): string | null => /(?:^|\/)profiles\/([^/]+)\.ya?ml$/.exec(path)?.[1] ?? null;

/** Reads one profile; null for what is not meant to be one (a README beside the profiles, a removed file). */
export const readProfile = (entry: CatalogEntry): ProfileFile | null => {
  const name = profileName(entry.path);
  if (name === null || entry.kind === "removed") return null;
  if (entry.kind === "refused") {
    const why = entry.why === "too-large" ? "it is larger than 64 KiB" : `it is a ${entry.why}, not a plain file`;
    return { name, profile: null, problems: [problemAt(entry.path, START, "LK2302", why)] };
  }
  const { profile, problems } = readContent(parseYaml(entry.bytes, entry.path), name);
  return { name: plain(name), profile, problems: problems.sort(byPlace) };
};
