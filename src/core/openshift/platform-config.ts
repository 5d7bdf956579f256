/** `platformConfig` of a profile for the openshift provisioner. Strict: a field that nothing reads is refused. */

import type { Json, JsonObject } from "../types.ts";

export interface AwsSettings {
  /** A name under `accounts:` in labkeeper's configuration. */
  readonly account?: string;
  readonly subnets?: readonly string[];
  /** The private hosted zone of an existing VPC. */
  readonly hostedZone?: string;
  readonly hostedZoneRole?: string;
  readonly amiID?: string;
  readonly zones?: readonly string[];
  readonly lbType?: string;
  readonly rootVolumeSizeGiB?: number;
  readonly rootVolumeType?: string;
  readonly kmsKeyARN?: string;
}

export interface IbmSettings {
  readonly account?: string;
  readonly accountID?: string;
  readonly cisInstanceCRN?: string;
  readonly resourceGroupName?: string;
  readonly networkResourceGroupName?: string;
  readonly vpcName?: string;
  readonly controlPlaneSubnets?: readonly string[];
  readonly computeSubnets?: readonly string[];
  readonly zones?: readonly string[];
}

export type Read<T> = { readonly settings: T } | { readonly problem: string };

type Kind = "text" | "texts" | "number";

const AWS: Readonly<Record<keyof AwsSettings, Kind>> = {
  account: "text",
  subnets: "texts",
  hostedZone: "text",
  hostedZoneRole: "text",
  amiID: "text",
  zones: "texts",
  lbType: "text",
  rootVolumeSizeGiB: "number",
  rootVolumeType: "text",
  kmsKeyARN: "text",
};

const IBM: Readonly<Record<keyof IbmSettings, Kind>> = {
  account: "text",
  accountID: "text",
  cisInstanceCRN: "text",
  resourceGroupName: "text",
  networkResourceGroupName: "text",
  vpcName: "text",
  controlPlaneSubnets: "texts",
  computeSubnets: "texts",
  zones: "texts",
};

export const awsSettings = (config: JsonObject | undefined): Read<AwsSettings> => read(config, "aws", AWS);
export const ibmSettings = (config: JsonObject | undefined): Read<IbmSettings> => read(config, "ibmcloud", IBM);

function read<T>(config: JsonObject | undefined, platform: string, fields: Readonly<Record<string, Kind>>): Read<T> {
  const section = config?.[platform] ?? {};
  const at = `platformConfig.${platform}`;
  if (typeof section !== "object" || section === null || Array.isArray(section)) {
    return { problem: `${at} must be an object` };
  }
  for (const [name, value] of Object.entries(section)) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (kind === undefined) return { problem: `${at} has an unknown field ${JSON.stringify(name)}` };
    const problem = valueProblem(kind, value);
    if (problem !== null) return { problem: `${at}.${name} ${problem}` };
  }
  return { settings: section as T };
}

/** Names, ids, ARNs and CRNs: one word without anything that YAML, a shell or a log could take for more. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,511}$/;

function valueProblem(kind: Kind, value: Json): string | null {
  switch (kind) {
    case "text":
      return typeof value === "string" && WORD.test(value) ? null : "must be a name or an id";
    case "texts": {
      const good = Array.isArray(value) && value.length > 0 && value.length <= 30;
      if (!good || !value.every((item) => typeof item === "string" && WORD.test(item))) {
        return "must be a list of 1 to 30 names or ids";
      }
      return null;
    }
    case "number":
      return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_536
        ? null
        : "must be a whole number above 0";
  }
}
