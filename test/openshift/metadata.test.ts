import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { idsFromState, type MetadataParts, parseMetadata, rebuildMetadata } from "../../src/core/openshift/metadata.ts";
import type { JsonObject } from "../../src/core/types.ts";

const parts: MetadataParts = {
  platform: "aws",
  clusterName: "team-a-test-01",
  clusterID: "0f5b1d4e-7c3a-4a1f-9d55-2f6f0a1b2c3d",
  infraId: "team-a-test-01-x7k2p",
  region: "us-east-1",
  baseDomain: "labs.example.com",
};
const good = rebuildMetadata(parts);
/** One more beside the right ones: what any of them matches is destroyed. */
const withFilter = (filter: JsonObject): string => {
  const aws = good["aws"] as JsonObject;
  return JSON.stringify({ ...good, aws: { ...aws, identifier: [...(aws["identifier"] as JsonObject[]), filter] } });
};

describe("metadata.json", () => {
  test("is rebuilt for AWS with exactly this cluster's filters", () => {
    expect(good).toEqual({
      clusterName: "team-a-test-01",
      clusterID: parts.clusterID,
      infraID: "team-a-test-01-x7k2p",
      aws: {
        region: "us-east-1",
        identifier: [
          { "kubernetes.io/cluster/team-a-test-01-x7k2p": "owned" },
          { openshiftClusterID: parts.clusterID },
          { "sigs.k8s.io/cluster-api-provider-aws/cluster/team-a-test-01-x7k2p": "owned" },
        ],
        clusterDomain: "team-a-test-01.labs.example.com",
      },
    });
  });

  test("is rebuilt for AWS without a cluster id, and never with an empty filter", () => {
    const { aws } = rebuildMetadata({ ...parts, clusterID: "" });
    expect(JSON.stringify(aws)).not.toContain("openshiftClusterID");
  });

  test("is rebuilt for IBM Cloud, whose resource group is named by the infraID", () => {
    expect(rebuildMetadata({ ...parts, platform: "ibmcloud", region: "eu-de", accountID: "acc" })).toMatchObject({
      ibmcloud: { accountID: "acc", baseDomain: "labs.example.com", region: "eu-de", resourceGroupName: parts.infraId },
    });
  });

  test("that was rebuilt is read again", () => {
    expect(parseMetadata(JSON.stringify(good))).toMatchObject({
      metadata: { infraID: parts.infraId, platform: "aws", region: "us-east-1" },
    });
  });

  test.each([
    ["nothing", "", "is not JSON"],
    ["half a file", '{"clusterName":"a","infra', "is not JSON"],
    ["a list", "[]", "is not an object"],
    ["an empty infraID", JSON.stringify({ ...good, infraID: "" }), "has an empty infraID"],
    ["no infraID", JSON.stringify({ ...good, infraID: null }), "has no usable infraID"],
    ["a pattern", JSON.stringify({ ...good, infraID: "*" }), "has no usable infraID"],
    ["a path", JSON.stringify({ ...good, infraID: "../../x" }), "has no usable infraID"],
    ["no filter", JSON.stringify({ ...good, aws: { region: "us-east-1", identifier: [] } }), "aws.identifier"],
    ["an empty filter", JSON.stringify({ ...good, aws: { region: "us-east-1", identifier: [{}] } }), "aws.identifier"],
    [
      "a filter for everything",
      JSON.stringify({ ...good, aws: { region: "us-east-1", identifier: [{ owner: "" }] } }),
      "aws.identifier",
    ],
    [
      "another cluster's filter",
      withFilter({ "kubernetes.io/cluster/team-a-test-02-x7k2p": "owned" }),
      "aws.identifier",
    ],
    [
      "a filter for what was shared with it",
      withFilter({ [`kubernetes.io/cluster/${parts.infraId}`]: "shared" }),
      "aws",
    ],
    ["a filter for a team", withFilter({ team: "team-a" }), "aws.identifier"],
    ["another cluster's id", withFilter({ openshiftClusterID: "0f5b1d4e" }), "aws.identifier"],
    ["no region", JSON.stringify({ ...good, aws: { region: "", identifier: [{ a: "b" }] } }), "aws.region"],
  ])("with %s is refused", (_what, text, problem) => {
    expect(parseMetadata(text)).toMatchObject({ problem: expect.stringContaining(problem) });
  });

  test("is never rebuilt without a whole infraID", () => {
    for (const infraId of ["", " ", "*", "a b", "-a", "A"]) {
      expect(() => rebuildMetadata({ ...parts, infraId })).toThrow(RangeError);
    }
  });

  test("of any content is read without throwing", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseMetadata(text);
        return "problem" in parsed || parsed.metadata.infraID !== "";
      }),
    );
  });
});

describe("the installer's state", () => {
  test("tells the infraID before there is a metadata.json", () => {
    const text = JSON.stringify({
      "*installconfig.ClusterID": { UUID: parts.clusterID, InfraID: parts.infraId },
      "*installconfig.InstallConfig": { config: { pullSecret: "…" } },
    });
    expect(idsFromState(text)).toEqual({ infraId: parts.infraId, clusterID: parts.clusterID });
  });

  test.each(["", "{", "[]", "null", "{}", '{"*installconfig.ClusterID":{"InfraID":""}}'])(
    "%j tells nothing",
    (text) => {
      expect(idsFromState(text)).toBeNull();
    },
  );
});
