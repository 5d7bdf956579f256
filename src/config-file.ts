import { readFile } from "node:fs/promises";
import type { ErrorObject } from "ajv/dist/2020.js";
import { packageFile } from "./package-root.ts";

/** A configuration file as its schema (`schemas/config.schema.json`) lets it pass. */
export interface ConfigFile {
  readonly catalog?: string;
  readonly catalogRef?: string;
  readonly databaseUrl?: string;
  readonly artifacts?: string;
  readonly secrets?: string;
  readonly secretsKeyFile?: string;
  readonly profiles?: string;
  readonly logLevel?: string;
  readonly pollSeconds?: number;
  readonly worker?: {
    readonly concurrency?: number;
    readonly destroySlots?: number;
    readonly pollSeconds?: number;
    readonly observationGapSeconds?: number;
  };
  readonly lease?: { readonly seconds?: number; readonly heartbeatSeconds?: number };
  readonly limits?: {
    readonly jobs?: number;
    readonly creates?: number;
    readonly createsPerTeam?: number;
    readonly createsPerAccountRegion?: number;
  };
  readonly provisioners?: Readonly<Record<string, ProvisionerSettings>>;
  readonly accounts?: Readonly<Record<string, CloudAccountSettings>>;
  readonly aws?: {
    readonly regions?: readonly string[];
    readonly pathStyle?: boolean;
    /** A name under `accounts:` that has the base domains' zones of labs without an account of their own. */
    readonly dnsAccount?: string;
    readonly artifacts?: AwsStoreSettings;
    readonly secrets?: AwsStoreSettings & { readonly recoveryDays?: number };
  };
  readonly openshift?: {
    readonly installer?: string;
    readonly oc?: string;
    readonly ccoctl?: string;
    readonly installersFolder?: string;
    readonly sliceMinutes?: number;
    readonly graceSeconds?: number;
    readonly observationGapSeconds?: number;
  };
  readonly github?: {
    readonly apiUrl?: string;
    readonly appId?: string | number;
    readonly installationId?: number;
    readonly privateKeyFile?: string;
    readonly repository?: string;
  };
  readonly listen?: string;
  readonly janitor?: { readonly sweepMinutes?: number; readonly artifactRetentionDays?: number };
}

/** Who labkeeper is in one cloud account. */
export interface CloudAccountSettings {
  readonly roleArn?: string;
  readonly externalId?: string;
  /** The twelve digits that it must turn out to have. */
  readonly accountId?: string;
  /** Where its buckets and secrets are unless something says otherwise. */
  readonly region?: string;
  /** Where orphans are looked for, besides those of `aws.regions`. */
  readonly regions?: readonly string[];
  /** Another one under `accounts:`, or `default`, that has the base domains' zones. */
  readonly dnsAccount?: string;
}

interface AwsStoreSettings {
  /** A name under `accounts:`; absent: the default credentials. */
  readonly account?: string;
  readonly region?: string;
  readonly kmsKeyId?: string;
}

export type Verb = "prepare" | "install" | "verify" | "update" | "destroy" | "observe";

/** What a profile's `provisioner` stands for on this installation. */
export type ProvisionerSettings =
  | {
      readonly type: "exec";
      readonly command: readonly string[];
      readonly env?: readonly string[];
      readonly timeoutMinutes?: Readonly<Partial<Record<Verb, number>>>;
    }
  | { readonly type: "simulated" };

const fieldOf = (error: ErrorObject): string =>
  error.instancePath
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".") || "(the whole file)";

const explain = (error: ErrorObject): string => {
  const field = fieldOf(error);
  const parameters: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case "additionalProperties":
      return `${field}: ${JSON.stringify(parameters["additionalProperty"])} is not a known field`;
    case "enum":
      return `${field}: allowed are ${JSON.stringify(parameters["allowedValues"])}`;
    case "const":
      return `${field}: must be ${JSON.stringify(parameters["allowedValue"])}`;
    case "discriminator":
      return `${field}.type: must be "exec" or "simulated"`;
    case "pattern":
      return `${field}: ${error.message ?? "has the wrong shape"}`;
    default:
      return `${field}: ${error.message ?? "is not valid"}`;
  }
};

const parseText = async (text: string): Promise<{ value: unknown } | { problem: string }> => {
  const { loadAll } = await import("js-yaml");
  try {
    const documents = loadAll(text);
    if (documents.length > 1) return { problem: "holds more than one document" };
    return { value: documents[0] ?? {} };
  } catch (error) {
    return {
      problem: `is not valid YAML or JSON: ${error instanceof Error ? error.message.split("\n")[0] : "unreadable"}`,
    };
  }
};

/** Reads and checks a configuration file. Every problem is said; none of them repeats a value, which may be secret. */
export const readConfigFile = async (file: string): Promise<{ settings: ConfigFile; problems: readonly string[] }> => {
  const failed = (...problems: string[]) => ({
    settings: {},
    problems: problems.map((problem) => `${file}: ${problem}`),
  });
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return failed(`cannot be read (${error instanceof Error && "code" in error ? String(error.code) : "unknown"})`);
  }
  const parsed = await parseText(text);
  if ("problem" in parsed) return failed(parsed.problem);
  const [{ Ajv2020 }, schema] = await Promise.all([
    import("ajv/dist/2020.js"),
    readFile(packageFile("schemas/config.schema.json"), "utf8"),
  ]);
  const ajv = new Ajv2020({ allErrors: true, discriminator: true, strict: true, strictRequired: false });
  const check = ajv.compile<ConfigFile>(JSON.parse(schema));
  const value = parsed.value;
  if (check(value)) return { settings: value, problems: [] };
  return failed(...new Set((check.errors ?? []).filter((error) => error.keyword !== "propertyNames").map(explain)));
};
