import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { checkPullSecret, installConfig, renderInstallConfig } from "../../src/core/openshift/install-config.ts";
import type { JsonObject } from "../../src/core/types.ts";
import type { LabOrder } from "../../src/ports.ts";
import { type Changes, labOf } from "./subjects.ts";

const expiresAt = new Date("2026-03-01T12:00:00Z");
const installation = "0d4c7a52-6f0e-4b8e-9c39-2f6f0a1b2c3d";
const pullSecret = '{"auths":{"quay.io":{"auth":"dXNlcjpwYXNz"}}}';

const configOf = (lab: LabOrder) => {
  const made = installConfig({ ...lab, expiresAt, installation });
  if ("problem" in made) throw new Error(made.problem);
  return made.config;
};

const rendered = (lab: LabOrder): JsonObject =>
  load(renderInstallConfig(configOf(lab), { pullSecret, sshKey: "ssh-ed25519 AAAA lab" })) as JsonObject;

describe("install-config.yaml", () => {
  test.each(["aws-minimal-test", "aws-standard", "ibm-minimal-test", "ibm-standard"])(
    "of the shipped profile %s is as it was reviewed",
    async (name) => {
      const text = renderInstallConfig(configOf(await labOf(name)), null);
      await expect(text).toMatchFileSnapshot(`golden/${name}.yaml`);
    },
  );

  test("with every setting of AWS is as it was reviewed", async () => {
    const lab = await labOf("aws-standard", {
      workers: 4,
      version: "4.20.2",
      tags: { purpose: "demo", empty: "" },
      profile: { features: { fips: true, privateCluster: true }, credentialsMode: "Manual" },
      platformConfig: {
        aws: {
          account: "labs",
          subnets: ["subnet-0a", "subnet-0b"],
          hostedZone: "Z0123456789",
          hostedZoneRole: "arn:aws:iam::123456789012:role/zone",
          amiID: "ami-0123",
          zones: ["us-east-1a", "us-east-1b"],
          lbType: "NLB",
          rootVolumeSizeGiB: 120,
          rootVolumeType: "gp3",
          kmsKeyARN: "arn:aws:kms:us-east-1:123456789012:key/0123",
        },
      },
    });
    await expect(renderInstallConfig(configOf(lab), null)).toMatchFileSnapshot("golden/aws-everything.yaml");
  });

  test("with every setting of IBM Cloud is as it was reviewed", async () => {
    const lab = await labOf("ibm-standard", {
      workers: 5,
      version: "4.20.3",
      profile: {
        features: { fips: true, privateCluster: true },
        networking: {
          networkType: "OVNKubernetes",
          clusterNetwork: [{ cidr: "10.132.0.0/14", hostPrefix: 23 }],
          serviceNetwork: ["172.31.0.0/16"],
          machineNetwork: [{ cidr: "10.240.0.0/16" }],
        },
      },
      platformConfig: {
        ibmcloud: {
          account: "labs",
          accountID: "0123456789abcdef0123456789abcdef",
          cisInstanceCRN: "crn:v1:bluemix:public:internet-svcs:global:a/0123::",
          resourceGroupName: "labs",
          networkResourceGroupName: "network",
          vpcName: "labs-vpc",
          controlPlaneSubnets: ["control-1", "control-2"],
          computeSubnets: ["compute-1", "compute-2"],
          zones: ["us-south-1", "us-south-2"],
        },
      },
    });
    await expect(renderInstallConfig(configOf(lab), null)).toMatchFileSnapshot("golden/ibm-everything.yaml");
  });

  test("names subnets as the installer of that version reads them", async () => {
    const subnets = async (version: string) => {
      const lab = await labOf("aws-standard", { version, platformConfig: { aws: { subnets: ["subnet-0a"] } } });
      return (rendered(lab)["platform"] as JsonObject)["aws"];
    };
    expect(await subnets("4.18.30")).toMatchObject({ subnets: ["subnet-0a"] });
    expect(await subnets("4.20.3")).toMatchObject({ vpc: { subnets: [{ id: "subnet-0a" }] } });
  });

  test("holds the secrets only when they are given", async () => {
    const lab = await labOf("aws-minimal-test");
    expect(rendered(lab)).toMatchObject({ pullSecret, sshKey: "ssh-ed25519 AAAA lab" });
    expect(renderInstallConfig(configOf(lab), null)).not.toMatch(/pullSecret|sshKey/);
  });

  test("cannot be broken out of by what a lab says", async () => {
    const hostile = '4.20"\nplatform: {none: {}}\n# 1:30 yes on 0x1f';
    const lab = await labOf("aws-minimal-test", { tags: { purpose: hostile, on: "yes", time: "12:30:45" } });
    const read = rendered(lab);
    expect((read["platform"] as JsonObject)["aws"]).toMatchObject({
      userTags: { purpose: hostile, on: "yes", time: "12:30:45" },
    });
    expect(Object.keys(read)).not.toContain("none");
  });

  test("labkeeper's own tags win over a lab's", async () => {
    const lab = await labOf("aws-minimal-test", { tags: { "labkeeper.dev/team": "other" } });
    expect((rendered(lab)["platform"] as JsonObject)["aws"]).toMatchObject({
      userTags: { "labkeeper.dev/team": "team-a", "labkeeper.dev/lab-id": lab.id },
    });
  });

  test.each<[string, Changes, string]>([
    [
      "aws-standard",
      { platformConfig: { aws: { subnet: ["a"] } } },
      'platformConfig.aws has an unknown field "subnet"',
    ],
    ["aws-standard", { platformConfig: { aws: { zones: "us-east-1a" } } }, "platformConfig.aws.zones must be a list"],
    ["aws-standard", { platformConfig: { aws: { amiID: "a b" } } }, "platformConfig.aws.amiID must be a name"],
    ["aws-standard", { platformConfig: { aws: { rootVolumeSizeGiB: 0 } } }, "must be a whole number"],
    ["ibm-standard", { platformConfig: { ibmcloud: { constructor: "x" } } }, "unknown field"],
    ["simulated", {}, "cannot install on platform simulated"],
    [
      "aws-standard",
      { tags: Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`t${n}`, "x"])) },
      "tags with labkeeper's own, and 25 fit",
    ],
  ])("of %s with %j is refused", async (name, changes, problem) => {
    const lab = await labOf(name, changes);
    expect(installConfig({ ...lab, expiresAt, installation })).toMatchObject({
      problem: expect.stringContaining(problem),
    });
  });
});

describe("a pull secret", () => {
  test("is JSON with auths", () => {
    expect(checkPullSecret(pullSecret)).toEqual({ registries: ["quay.io"] });
  });

  test.each(["", "not json s3cret", "{}", '{"auths":{}}', '{"auths":[]}', '{"auths":{"quay.io":{"email":"s3cret"}}}'])(
    "is not %j, and the problem does not quote it",
    (text) => {
      const check = checkPullSecret(text);
      expect(check).toHaveProperty("problem");
      expect(JSON.stringify(check)).not.toContain("s3cret");
    },
  );
});
