import type { AnySchemaObject, ValidateFunction } from "ajv";
import { compileSchema, labSchema } from "./schema-validators.ts";
import type { Choice, Profile, ProfileSpec } from "./types.ts";

/** openshift-install refuses longer cluster names on the clouds (OpenShift Cluster Manager says the same: 1 to 54). */
const MAX_CLUSTER_NAME = 54;

interface Narrowing {
  /** Keywords that replace or join those of the lab schema, by field. */
  readonly metadata: Readonly<Record<string, AnySchemaObject>>;
  readonly spec: Readonly<Record<string, AnySchemaObject>>;
  readonly requiredSpec: readonly string[];
}

const without = (profile: Profile, what: string): AnySchemaObject => ({
  description: `profile ${profile.name} has no ${what}. Leave the field out`,
  not: {},
});

const choice = (profile: Profile, what: string, from: Choice | undefined): AnySchemaObject =>
  from === undefined ? without(profile, what) : { enum: [...from.allowlist], default: from.default };

const timeToLive = (lifecycle: ProfileSpec["lifecycle"]): AnySchemaObject =>
  lifecycle.allowCustomTTL
    ? { minimum: 1, maximum: lifecycle.maxTTLHours, default: lifecycle.defaultTTLHours }
    : { enum: [lifecycle.defaultTTLHours], default: lifecycle.defaultTTLHours };

/** Tags that a lab must give itself, because the profile requires them and has no default for them. */
const tagsToGive = ({ tags }: ProfileSpec): string[] =>
  tags.required.filter((tag) => !Object.hasOwn(tags.defaults, tag));

/** What a profile says about the labs that use it, beyond what holds for every lab. */
const narrowing = (profile: Profile): Narrowing => {
  const { spec } = profile;
  const { workers } = spec.compute;
  const required = tagsToGive(spec);
  const isCloud = spec.platform === "aws" || spec.platform === "ibmcloud";
  return {
    metadata: isCloud ? { name: { maxLength: MAX_CLUSTER_NAME } } : {},
    spec: {
      profile: { enum: [profile.name] },
      version: choice(profile, "OpenShift versions", spec.openshiftVersions),
      region: choice(profile, "regions", spec.regions),
      baseDomain: choice(profile, "base domains", spec.baseDomains),
      ttlHours: timeToLive(spec.lifecycle),
      workers: { minimum: workers.minReplicas, maximum: workers.maxReplicas, default: workers.replicas },
      tags: !spec.tags.allowUserTags
        ? without(profile, "tags of a lab's own")
        : required.length > 0
          ? { required }
          : {},
    },
    requiredSpec: required.length > 0 ? ["tags"] : [],
  };
};

const narrowed = (
  fields: Readonly<Record<string, AnySchemaObject>>,
  by: Readonly<Record<string, AnySchemaObject>>,
): AnySchemaObject =>
  Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => {
      const added = by[name];
      // `not: {}` stands alone: other keywords would only add errors about a field that may not be there at all.
      return [name, added === undefined ? schema : "not" in added ? added : { ...schema, ...added }];
    }),
  );

/** The JSON Schema (draft-07) of the labs that use a profile: what editors complete and what gates the merge. */
export const compileProfile = (profile: Profile): AnySchemaObject => {
  const { metadata, spec } = labSchema.properties;
  const by = narrowing(profile);
  return {
    ...labSchema,
    $id: `https://labkeeper.dev/schemas/v1/labs-of-${profile.name}.schema.json`,
    title: `Lab of profile ${profile.name}`,
    properties: {
      ...labSchema.properties,
      metadata: { ...metadata, properties: narrowed(metadata.properties, by.metadata) },
      spec: {
        ...spec,
        required: [...spec.required, ...by.requiredSpec],
        properties: narrowed(spec.properties, by.spec),
      },
    },
  };
};

/**
 * One schema for every lab file of a catalog: the profile that a file names decides what else holds in it. Editors map
 * files to schemas by path, and the path does not tell the profile.
 */
export const compileCatalog = (profiles: Iterable<Profile>, teams: readonly string[] | null): AnySchemaObject => {
  const usable = [...profiles].filter((profile) => profile.spec.enabled);
  const { metadata, spec } = labSchema.properties;
  const team = teams === null ? {} : { team: { enum: [...teams] } };
  return {
    ...labSchema,
    $id: "https://labkeeper.dev/schemas/v1/labs-of-this-catalog.schema.json",
    properties: {
      ...labSchema.properties,
      metadata: { ...metadata, properties: narrowed(metadata.properties, team) },
      spec: {
        ...spec,
        properties: narrowed(spec.properties, { profile: { enum: usable.map((profile) => profile.name) } }),
      },
    },
    allOf: usable.map((profile) => {
      const by = narrowing(profile);
      return {
        if: {
          required: ["spec"],
          properties: { spec: { required: ["profile"], properties: { profile: { enum: [profile.name] } } } },
        },
        // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema's conditional
        then: {
          properties: {
            metadata: { properties: by.metadata },
            spec: { required: by.requiredSpec, properties: by.spec },
          },
        },
      };
    }),
  };
};

const MAX_CACHED = 200;
const validators = new Map<string, ValidateFunction>();

/** The validator of a profile's labs, compiled once for each content of the profile. */
export const profileLabValidator = (profile: Profile): ValidateFunction => {
  const known = validators.get(profile.digest);
  if (known !== undefined) return known;
  if (validators.size >= MAX_CACHED) validators.clear();
  const made = compileSchema(compileProfile(profile));
  validators.set(profile.digest, made);
  return made;
};
