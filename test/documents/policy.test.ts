import { describe, expect, test } from "vitest";
import { readPolicy } from "../../src/core/policy.ts";
import type { CatalogEntry } from "../../src/core/types.ts";
import { CATALOG, file, places, policyOf, profileText, shipped } from "./samples.ts";

const readCatalog = (text: string) => readPolicy([file("catalog.yaml", text)], shipped);
const withGuards = (guards: string): string => `${CATALOG}  guards:\n    ${guards}\n`;

describe("catalog.yaml", () => {
  test("guards have defaults", () => {
    expect(policyOf().guards).toEqual({ maxDestroys: 5, maxDestroyPercent: 25, windowHours: 24, freezeWindows: [] });
    expect(policyOf(withGuards("maxDestroys: 1")).guards).toMatchObject({ maxDestroys: 1, maxDestroyPercent: 25 });
  });

  test("teams by name", () => {
    expect(policyOf().teams.get("team-b")).toEqual({ name: "team-b", profiles: ["local-postgres"], maxActiveLabs: 2 });
  });

  test.each([
    ["missing", [] as CatalogEntry[], "1:1 LK2301"],
    ["a link", [{ path: "catalog.yaml", kind: "refused", blobOid: "", why: "symlink" } as const], "1:1 LK2301"],
    ["empty", [file("catalog.yaml", "")], "1:1 LK2301"],
    ["broken", [file("catalog.yaml", "spec: [\n")], "2:1 LK2301"],
    [
      "without teams",
      [file("catalog.yaml", "apiVersion: labkeeper.dev/v1\nkind: Catalog\nspec:\n  teams: []\n")],
      "4:10 LK2301",
    ],
    ["guards outside spec", [file("catalog.yaml", `${CATALOG}guards: {maxDestroys: 1}\n`)], "9:1 LK2301"],
    ["a field that nothing reads", [file("catalog.yaml", `${CATALOG}  notifications: {}\n`)], "9:3 LK2301"],
    ["a team twice", [file("catalog.yaml", CATALOG.replace("team-b", "team-a"))], "6:13 LK2301"],
    ["a negative budget", [file("catalog.yaml", withGuards("maxDestroys: -1"))], "10:18 LK2301"],
  ])("%s: no policy at all", (_name, entries, place) => {
    const { policy, problems } = readPolicy(entries, shipped);
    expect(policy).toBeNull();
    expect(places(problems)).toEqual([place]);
  });

  test.each([
    ["no such day", "2026-02-30T25:00:00Z", "2026-03-01T00:00:00Z", "is not a time that exists"],
    ["backwards", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "ends before it starts"],
    ["without an offset", "2026-03-01T00:00:00", "2026-03-02T00:00:00Z", "must be a time with an offset"],
  ])("freeze window %s", (_name, from, to, message) => {
    const { policy, problems } = readCatalog(withGuards(`freezeWindows: [{name: x, from: "${from}", to: "${to}"}]`));
    expect(policy).toBeNull();
    expect(problems.map((problem) => problem.message).join()).toContain(message);
  });

  test("freeze windows are compared as times, not as text", () => {
    const window = `{name: x, from: "2026-03-01T10:00:00+09:00", to: "2026-03-01T09:00:00Z"}`;
    expect(readCatalog(withGuards(`freezeWindows: [${window}]`)).problems).toEqual([]);
  });

  test("a team's profile that does not exist is told and harms nothing", () => {
    const { policy, problems } = readCatalog(CATALOG.replace("[local-postgres]", "[local-postgers]"));
    expect(policy).not.toBeNull();
    expect(places(problems)).toEqual(["7:18 LK2101"]);
    expect(problems[0]?.message).toContain("did you mean local-postgres?");
  });
});

describe("profiles", () => {
  const readOwn = (...entries: readonly CatalogEntry[]) =>
    readPolicy([file("catalog.yaml", CATALOG), ...entries], shipped);

  test("the catalog's own stand beside the shipped ones", () => {
    const { policy, problems } = readOwn(file("profiles/own.yaml", profileText()), file("profiles/README.md", "x"));
    expect(problems).toEqual([]);
    expect(policy?.profiles.get("own")?.spec.lifecycle).toMatchObject({ maxAttempts: 3, deletionGraceHours: 0 });
    expect(policy?.profiles.size).toBe(7);
  });

  test("the catalog's own replaces a shipped one of its name", () => {
    const text = profileText({ "name: own": "name: simulated" });
    expect(
      readOwn(file("profiles/simulated.yaml", text)).policy?.profiles.get("simulated")?.spec.lifecycle.maxTTLHours,
    ).toBe(48);
  });

  test("an unusable one never falls back to the shipped one of its name", () => {
    const { policy } = readOwn(file("profiles/simulated.yaml", "nonsense"));
    expect(policy?.profiles.has("simulated")).toBe(false);
    expect([...(policy?.unusableProfiles ?? [])]).toEqual(["simulated"]);
  });

  test("two files of one name: neither is used", () => {
    const { policy, problems } = readOwn(
      file("profiles/own.yaml", profileText()),
      file("profiles/own.yml", profileText()),
    );
    expect(policy?.profiles.has("own")).toBe(false);
    expect(problems.map(({ path, code }) => `${path} ${code}`)).toEqual([
      "profiles/own.yaml LK2302",
      "profiles/own.yml LK2302",
    ]);
  });

  test.each([
    [
      "a feature that nothing reads",
      { "  compute:": "  features: { offHoursScaling: true }\n  compute:" },
      "10:15 LK2302",
    ],
    ["a default outside its list", { "default: us-east-1": "default: eu-west-1" }, "9:58 LK2302"],
    [
      "unquoted versions",
      { "  compute:": "  openshiftVersions: { allowlist: [4.20], default: 4.20 }\n  compute:" },
      "10:36 LK2008",
    ],
    ["more workers than its most", { "replicas: 0, minReplicas: 0": "replicas: 4, minReplicas: 0" }, "12:26 LK2302"],
    ["a range of workers upside down", { "minReplicas: 0": "minReplicas: 4" }, "12:42 LK2302"],
    ["a default life beyond its most", { "defaultTTLHours: 24": "defaultTTLHours: 49" }, "13:50 LK2302"],
    ["another name than its file", { "name: own": "name: other" }, "4:9 LK2302"],
    ["another platform's settings", { "  compute:": "  platformConfig: { aws: {} }\n  compute:" }, "10:26 LK2302"],
    [
      "a misspelt rehearsal",
      { "  compute:": "  platformConfig: { simulated: { lise: {} } }\n  compute:" },
      "10:34 LK2302",
    ],
    [
      "a misspelt setting of a cluster",
      {
        "platform: simulated": "platform: aws",
        "provisioner: simulated": "provisioner: openshift",
        "  compute:": "  platformConfig: { aws: { subnet: [a] } }\n  compute:",
      },
      "10:26 LK2302",
    ],
    [
      "a tag that no lab can give",
      { "required: [], defaults: {}, allowUserTags: true": "required: [x], defaults: {}, allowUserTags: false" },
      "14:21 LK2302",
    ],
  ])("%s", (_name, changes, place) => {
    const { policy, problems } = readOwn(file("profiles/own.yaml", profileText(changes)));
    expect(policy?.profiles.has("own")).toBe(false);
    expect(places(problems)).toContain(place);
    expect(problems.every(({ path }) => path === "profiles/own.yaml")).toBe(true);
  });

  test("a cluster without any place for work", () => {
    const text = profileText({ "platform: simulated": "platform: aws", "schedulable: true": "schedulable: false" });
    expect(places(readOwn(file("profiles/own.yaml", text)).problems)).toEqual(["12:42 LK2302"]);
  });
});

describe("the policy's digest", () => {
  test("is the same for the same policy, however it is written", () => {
    expect(policyOf(`# comment\n${CATALOG}`).digest).toBe(policyOf().digest);
  });

  test.each([
    ["a team", policyOf(CATALOG.replace("maxActiveLabs: 2", "maxActiveLabs: 3"))],
    ["a guard", policyOf(withGuards("maxDestroys: 1"))],
    ["a profile", policyOf(CATALOG, file("profiles/own.yaml", profileText()))],
    ["a profile that became unusable", policyOf(CATALOG, file("profiles/own.yaml", "x"))],
  ])("changes with %s", (_name, policy) => {
    expect(policy.digest).not.toBe(policyOf().digest);
  });
});
