import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ccoTag,
  clusterTag,
  infraIdInName,
  isInfraId,
  namedAfter,
  ownedBy,
  ownershipTags,
  owningInfraId,
  TAGS,
} from "../../src/core/ownership.ts";

const cluster = { infraId: "demo-x7k2p", labId: "0198c0de-0000-7000-8000-000000000001" };
const suffix = fc
  .array(fc.constantFrom(..."bcdfghjklmnpqrstvwxz2456789"), { minLength: 5, maxLength: 5 })
  .map((letters) => letters.join(""));
const clusterName = fc.stringMatching(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/);

describe("ownership", () => {
  test("writes every tag, without an expiry when there is none", () => {
    const who = { labId: "i", lab: "l", team: "t", owner: "o", costCenter: "c", installation: "n" };
    const of = { ...who, expiresAt: "2026-01-01T00:00:00Z" };
    expect(Object.keys(ownershipTags(of)).sort()).toEqual(Object.values(TAGS).sort());
    expect(ownershipTags({ ...of, expiresAt: null })).not.toHaveProperty([TAGS.expiresAt]);
  });

  test("what is shared with a cluster is not owned by it", () => {
    expect(owningInfraId({ [clusterTag("demo-x7k2p")]: "shared" })).toBeNull();
    expect(owningInfraId({ [clusterTag("demo-x7k2p")]: "owned" })).toBe("demo-x7k2p");
    expect(owningInfraId({ [ccoTag("demo-x7k2p")]: "owned" })).toBe("demo-x7k2p");
    expect(owningInfraId({ [clusterTag("")]: "owned" })).toBeNull();
  });

  test.each([
    [{}, "silent"],
    [{ Name: "demo-x7k2p-vpc" }, "silent"],
    [{ [clusterTag("demo-x7k2p")]: "owned" }, "yes"],
    [{ [clusterTag("demo-x7k2p")]: "shared" }, "no"],
    [{ [clusterTag("demo-x7k2p-b4c5d")]: "owned" }, "no"],
    [{ [clusterTag("demo")]: "owned" }, "no"],
    [{ [TAGS.labId]: cluster.labId }, "yes"],
    [{ [TAGS.labId]: "another" }, "no"],
    [{ [TAGS.labId]: cluster.labId, [clusterTag("demo-b4c5d")]: "owned" }, "yes"],
    [{ [TAGS.labId]: "another", [clusterTag("demo-b4c5d")]: "owned" }, "no"],
  ] as const)("tags %j say %s", (tags, answer) => {
    expect(ownedBy(tags, cluster)).toBe(answer);
  });

  test.each([
    ["demo-x7k2p-master-role", true],
    ["demo-x7k2p-openshift-machine-api-aws-b4c5d", true],
    ["demo-x7k2p-image-registry-us-east-1-abcdefgh", true],
    ["demo-x7k2p", false],
    ["demo-x7k2pq-master-role", false],
    ["demo-x7k2p-b4c5d-master-role", false],
    ["demo-x7k2p-prod-b4c5d-master-role", false],
    ["x-demo-x7k2p-master-role", false],
  ])("%s named after demo-x7k2p: %s", (name, answer) => {
    expect(namedAfter(name, "demo-x7k2p")).toBe(answer);
  });

  test("nothing is named after an empty infraID", () => {
    expect(namedAfter("-master-role", "")).toBe(false);
    expect(isInfraId("")).toBe(false);
    for (const text of ["*", "demo-*", "demo-?????", "demo", "-abcde", "Demo-abcde", "demo-abcdef"]) {
      expect(isInfraId(text), text).toBe(false);
    }
  });

  test("a cluster named like another's infraID is never taken for it", () => {
    fc.assert(
      fc.property(
        clusterName,
        suffix,
        suffix,
        fc.constantFrom("master-role", "bootstrap-profile"),
        (name, a, b, rest) => {
          const [first, second] = [`${name}-${a}`, `${name}-${a}-${b}`];
          expect(namedAfter(`${first}-${rest}`, first)).toBe(true);
          expect(namedAfter(`${second}-${rest}`, first)).toBe(false);
          expect(namedAfter(`${second}-${rest}`, second)).toBe(true);
          expect(infraIdInName(`${second}-${rest}`)).toBe(isInfraId(second) ? second : null);
          expect(isInfraId(first)).toBe(true);
        },
      ),
    );
  });

  test("a name without a random part names no cluster", () => {
    for (const name of ["admin", "service-role", "AWSServiceRoleForSupport", "demo-x7k2p", "my-bucket-logs"]) {
      expect(infraIdInName(name), name).toBeNull();
    }
  });
});
