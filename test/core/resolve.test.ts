import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/core/resolve.ts";
import { documentOf, profileOf } from "./builders.ts";

describe("a lab's resolved specification", () => {
  it("takes what the file says, and the profile's defaults for the rest", () => {
    const document = documentOf("one", { spec: { region: "eu-west-1", workers: 0, tags: { origin: "me" } } });
    expect(resolveSpec(document, profileOf(), null)).toEqual({
      owner: "octocat",
      costCenter: "sandbox",
      profile: "standard",
      platform: "aws",
      provisioner: "openshift",
      version: "4.20.3",
      region: "eu-west-1",
      baseDomain: "labs.example.com",
      ttlHours: 24,
      workers: 0,
      tags: { origin: "me" },
      protect: false,
      suspend: false,
    });
  });

  it("has null where the platform knows no such thing", () => {
    const { openshiftVersions: _v, regions: _r, baseDomains: _d, ...rest } = profileOf().spec;
    const local = { ...profileOf(), spec: { ...rest, platform: "local" as const } };
    expect(resolveSpec(documentOf("one"), local, null)).toMatchObject({
      version: null,
      region: null,
      baseDomain: null,
    });
  });

  it("keeps the pinned values of an existing lab, but not its switches and tags", () => {
    const first = documentOf("one", {
      spec: { ttlHours: 48, workers: 5, version: "4.21.0", protect: true, suspend: true, tags: { a: "b" } },
    });
    const pinned = resolveSpec(first, profileOf(), null);
    expect(resolveSpec(documentOf("one"), profileOf(), pinned)).toEqual({
      ...pinned,
      protect: false,
      suspend: false,
      tags: { origin: "labkeeper" },
    });
  });

  it("does not carry values over from another profile", () => {
    const pinned = resolveSpec(documentOf("one", { spec: { workers: 5 } }), profileOf(), null);
    const other = documentOf("one", { spec: { profile: "other" } });
    expect(resolveSpec(other, profileOf("other"), pinned)).toMatchObject({ profile: "other", workers: 3 });
  });

  it("is the same when resolved again from its own values", () => {
    const document = documentOf("one", { spec: { workers: 5, tags: { x: "y" } } });
    const once = resolveSpec(document, profileOf(), null);
    expect(resolveSpec(document, profileOf(), once)).toEqual(once);
  });
});
