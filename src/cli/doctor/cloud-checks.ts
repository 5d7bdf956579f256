/** What `doctor` says of clouds: stores there, who labkeeper is, and the programs that make clusters. */

import type { Config } from "../../config.ts";
import type { Profile } from "../../core/types.ts";
import type { Edges } from "../../wire.ts";
import type { Check } from "./check.ts";
import { failed, look, ok, skipped, warning } from "./check.ts";

/** Without these an install state may be lost or read by anybody; the others are good care. */
const NEEDED = ["access", "public access"];

/** The artifacts' bucket, one check a setting; none when they are in a folder. */
export const checkBucketSettings = async (edges: Edges): Promise<readonly Check[]> => {
  const findings = (await edges.cloud.bucketFindings()) ?? [];
  return findings.map(({ check, good, detail, remedy }) => {
    const name = `bucket ${check}`;
    if (good === true) return ok(name, detail);
    const tell = good === false && NEEDED.includes(check) ? failed : warning;
    return tell(name, detail, remedy ?? "Look at the bucket's settings.");
  });
};

/** Asks for a secret that is not there: whoever may not read gets another answer. */
export const checkSecretsManager = async (edges: Edges): Promise<Check> => {
  await (await edges.secrets()).get("doctor/not-there");
  return ok("secrets", "AWS Secrets Manager answers");
};

const usesDefaultAccount = ({ aws, artifacts, secrets }: Config): boolean =>
  aws.regions.length > 0 ||
  (artifacts.kind === "s3" && artifacts.account === null) ||
  (secrets.kind !== "folder" && secrets.account === null);

/** Accounts whose credentials are to be tried: those named, and the default one where something relies on it. */
export const accountNames = (config: Config): readonly (string | null)[] => [
  ...(usesDefaultAccount(config) ? [null] : []),
  ...Object.keys(config.accounts).sort(),
];

export const checkAccount = async (edges: Edges, account: string | null): Promise<Check> =>
  ok(`account ${account ?? "default"}`, await edges.cloud.account.accountId(account));

/** The profiles that labs may use: the catalog's where it can be read, else those that are shipped. */
export const enabledProfiles = async (edges: Edges): Promise<readonly Profile[]> => {
  const { readProfiles } = await import("../../core/policy.ts");
  const own = async () => {
    const catalog = await edges.catalog();
    return await catalog.policyFiles(await catalog.head());
  };
  const { usable } = readProfiles([...(await own().catch(() => []))], await edges.profileFiles());
  return [...usable.values()].filter(({ spec }) => spec.enabled);
};

export const checkProfiles = async (edges: Edges, profiles: readonly Profile[]): Promise<Check> => {
  const known = edges.provisionerNames();
  const lost = profiles.filter(({ spec }) => !known.includes(spec.provisioner));
  if (lost.length === 0) return ok("profiles", `${profiles.length} enabled`);
  const words = lost.map(({ name, spec }) => `${name} names ${spec.provisioner}`).join(", ");
  return failed("profiles", `${words}: nobody registered that`, `Known provisioners: ${known.join(", ")}.`);
};

interface Wanted {
  readonly version: string;
  /** With `credentialsMode: Manual` two more programs are needed. */
  readonly manual: boolean;
}

const wantedBy = (profiles: readonly Profile[]): readonly Wanted[] => {
  const wanted = new Map<string, boolean>();
  for (const { spec } of profiles) {
    for (const version of spec.openshiftVersions?.allowlist ?? []) {
      wanted.set(version, wanted.get(version) === true || spec.credentialsMode === "Manual");
    }
  }
  return [...wanted].sort().map(([version, manual]) => ({ version, manual }));
};

/** One check a version; one in all when a single program is there for every version, or none. */
export const checkInstallers = async (edges: Edges, profiles: readonly Profile[]): Promise<readonly Check[]> => {
  const { installer, installersFolder } = edges.config.openshift;
  const concerned = profiles.filter(({ spec }) => spec.provisioner === "openshift");
  const wanted = wantedBy(concerned);
  if (wanted.length === 0) return [];
  if (installer === null && installersFolder === null) {
    const names = concerned.map(({ name }) => name).join(", ");
    return [skipped("installers", `none is configured; labs of ${names} cannot be made`)];
  }
  if (installer !== null) return [await look("installer", () => checkOneInstaller(edges, wanted))];
  return await Promise.all(
    wanted.map(({ version, manual }) =>
      look(`installer ${version}`, async () => {
        const binaries = await edges.cloud.binaries();
        const { path } = await binaries.installer(version);
        if (manual) for (const tool of ["oc", "ccoctl"] as const) await binaries.tool(tool, version);
        return ok(`installer ${version}`, path);
      }),
    ),
  );
};

/** It can make clusters of its own version alone. */
const checkOneInstaller = async (edges: Edges, wanted: readonly Wanted[]): Promise<Check> => {
  const binaries = await edges.cloud.binaries();
  const { path, version, simulated } = await binaries.anyInstaller(wanted[0]?.version ?? "");
  const detail = `${path} is ${simulated ? "a simulated " : ""}${version}`;
  const found = wanted.find((each) => each.version === version);
  if (found === undefined) {
    return failed("installer", `${detail}, which no enabled profile allows`, "Allow it in a profile, or use another.");
  }
  if (found.manual) for (const tool of ["oc", "ccoctl"] as const) await binaries.tool(tool, version);
  const others = wanted.filter((each) => each !== found).map((each) => each.version);
  if (others.length === 0) return ok("installer", detail);
  const remedy = "Put installers of these versions into openshift.installersFolder, or take them out of the profiles.";
  return warning("installer", `${detail}; labs of ${others.join(", ")} cannot be made`, remedy);
};

/** Clusters whose end nobody can see stay on record for good. */
export const checkProofs = (edges: Edges, profiles: readonly Profile[]): readonly Check[] => {
  const blind = profiles.filter(
    ({ spec }) => spec.provisioner === "openshift" && !edges.cloud.observable.includes(spec.platform),
  );
  const platforms = [...new Set(blind.map(({ spec }) => spec.platform))].sort();
  return platforms.map((platform) => {
    const names = blind.filter(({ spec }) => spec.platform === platform).map(({ name }) => name);
    const detail = `nothing can look into ${platform} yet: labs of ${names.join(", ")} can be made, and never be proven gone`;
    return warning(`proof ${platform}`, detail, "Set `enabled: false` there, or read docs/openshift.md, IBM Cloud.");
  });
};

const makesClusters = ({ config: { openshift } }: Edges): boolean =>
  (openshift.installer ?? openshift.installersFolder) !== null;

/** What every install reads first; without an installer nothing does. */
export const checkInstallSecrets = async (edges: Edges, profiles: readonly Profile[]): Promise<readonly Check[]> => {
  if (!makesClusters(edges) || !profiles.some(({ spec }) => spec.provisioner === "openshift")) return [];
  const check = async (): Promise<Check> => {
    await edges.cloud.checkInstallSecrets();
    return ok("pull secret", "is stored");
  };
  return [await look("pull secret", check)];
};

/** Clusters without a sweep leave what nobody will ever hear of. */
export const checkSweep = async (edges: Edges, profiles: readonly Profile[]): Promise<readonly Check[]> => {
  const makes = makesClusters(edges) && profiles.some(({ spec }) => spec.platform === "aws");
  if (!makes || edges.cloud.sweeps) return [];
  return [warning("orphans", "are looked for in no region", "Set aws.regions in the configuration file.")];
};
