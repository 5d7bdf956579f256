import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOfLivingLab, type LabKnown, orphansAmong, type SweptResource } from "../../src/core/orphans.ts";
import { dailyPrice } from "../../src/core/prices.ts";

const now = new Date("2026-03-01T12:00:00Z");
const ago = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000);

const resource = (of: Partial<SweptResource>): SweptResource => ({
  id: "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1",
  infraId: null,
  labId: null,
  createdAt: ago(120),
  dailyCost: 1.08,
  ...of,
});

const labs: readonly LabKnown[] = [
  { id: "live", name: "team-a-live", live: true, infraId: "team-a-live-x7k2p" },
  { id: "gone", name: "team-a-gone", live: false, infraId: "team-a-gone-b4c5d" },
  { id: "early", name: "team-a-early", live: true, infraId: null },
];

describe("orphans", () => {
  test.each([
    [{ labId: "live" }, null],
    [{ infraId: "team-a-live-x7k2p" }, null],
    [{ labId: "live", infraId: "team-a-gone-b4c5d" }, null],
    [{ labId: "gone", infraId: "team-a-live-x7k2p" }, null],
    [{ labId: "early", infraId: "team-a-early-zzzzz" }, null],
    [{ labId: "gone" }, "lab is destroyed"],
    [{ infraId: "team-a-gone-b4c5d" }, "lab is destroyed"],
    [{ labId: "who", infraId: "team-a-gone-b4c5d" }, "lab is destroyed"],
    [{ labId: "who" }, "lab is unknown"],
    [{ labId: "who", infraId: "who-zzzzz" }, "lab is unknown"],
    [{ infraId: "who-zzzzz" }, null],
    [{ infraId: "team-a-live" }, null],
    [{}, null],
    [{ labId: "gone", createdAt: ago(29) }, null],
    [{ labId: "gone", createdAt: ago(30) }, "lab is destroyed"],
    [{ labId: "gone", createdAt: null }, "lab is destroyed"],
  ] as const)("%j: %s", (of, why) => {
    expect(orphansAmong([resource(of)], labs, now).map((finding) => finding.why)).toEqual(why === null ? [] : [why]);
  });

  test.each([
    ["who", "infraId unknown"],
    ["gone", "lab is destroyed"],
    ["live", null],
  ])("of a cluster that nobody recorded, when something else of it has the lab id %s: %s", (labId, why) => {
    const untagged = resource({ infraId: "who-zzzzz" });
    const tagged = resource({ id: "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2", infraId: "who-zzzzz", labId });
    const found = orphansAmong([untagged, tagged], labs, now);
    expect(found.find((finding) => finding.resource === untagged)?.why ?? null).toBe(why);
    expect(found.map((finding) => finding.resource.id)).toHaveLength(why === null ? 0 : 2);
  });

  describe("that another labkeeper made in the same account", () => {
    const theirs = resource({ labId: "who", infraId: "who-zzzzz", installation: "theirs" });
    const vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2";

    test.each<[string, SweptResource]>([
      ["by its own tag", theirs],
      ["by its lab's", resource({ id: vpc, labId: "who" })],
      ["by its cluster's", resource({ id: vpc, infraId: "who-zzzzz" })],
    ])("are no findings: known %s", (_what, also) => {
      expect(orphansAmong([theirs, also], labs, now, "ours")).toEqual([]);
      expect(orphansAmong([theirs, also], labs, now)).not.toEqual([]);
    });

    test.each([
      [{ labId: "who", installation: "ours" }, "lab is unknown"],
      [{ labId: "who", installation: null }, "lab is unknown"],
      // The artifacts moved since, and with them the id.
      [{ labId: "gone", installation: "theirs" }, "lab is destroyed"],
      [{ labId: "live", installation: "theirs" }, null],
    ] as const)("are not these: %j: %s", (of, why) => {
      const found = orphansAmong([resource(of)], labs, now, "ours");
      expect(found.map((finding) => finding.why)).toEqual(why === null ? [] : [why]);
    });
  });

  test("of a living lab are told from others one by one, too", () => {
    const cluster = { clusterName: "demo", baseDomain: "labs.example.com" };
    const record = "arn:aws:route53:::hostedzone/Z1/A/api.demo.labs.example.com";
    const named = [...labs, { id: "now", name: "demo", live: true, infraId: "demo-x7k2p", cluster }];
    for (const change of [{ labId: "live" }, { infraId: "team-a-live-x7k2p" }, { id: record, labId: "gone" }]) {
      expect(isOfLivingLab(resource(change), named)).toBe(true);
    }
    for (const change of [{ labId: "gone" }, { infraId: "who-zzzzz" }, { id: record.replace("demo", "past") }]) {
      expect(isOfLivingLab(resource(change), named)).toBe(false);
    }
  });

  test.each([
    ["api.demo.labs.example.com", "gone", null],
    ["*.apps.demo.labs.example.com", "gone", null],
    ["api.demo2.labs.example.com", "gone", "lab is destroyed"],
    ["api.demo.labs.example.org", "gone", "lab is destroyed"],
    ["api.past.labs.example.com", "gone", "lab is destroyed"],
  ])("the record %s of lab %s, while a living one is named demo: %s", (name, labId, why) => {
    const cluster = (clusterName: string) => ({ clusterName, baseDomain: "labs.example.com" });
    const named: LabKnown[] = [
      { id: "gone", name: "demo", live: false, infraId: "demo-b4c5d", cluster: cluster("demo") },
      { id: "past", name: "past", live: false, infraId: "past-b4c5d", cluster: cluster("past") },
      { id: "now", name: "demo", live: true, infraId: "demo-x7k2p", cluster: cluster("demo") },
      { id: "early", name: "past", live: true, infraId: null, cluster: null },
    ];
    const record = resource({ id: `arn:aws:route53:::hostedzone/Z1/A/${name}`, labId, createdAt: null });
    expect(orphansAmong([record], named, now).map((finding) => finding.why)).toEqual(why === null ? [] : [why]);
  });

  test("tells age, cost and the lab it was", () => {
    const seen = resource({ labId: "gone", createdAt: ago(90) });
    expect(orphansAmong([seen], labs, now)).toEqual([
      { resource: seen, why: "lab is destroyed", ageHours: 1.5, dailyCost: 1.08, lab: "team-a-gone" },
    ]);
  });

  const labIds = fc.constantFrom("a", "b", "c", "d");
  const anyLab = fc.record({
    id: labIds,
    name: fc.constantFrom("one", "two", "three"),
    live: fc.boolean(),
    infraId: fc.option(fc.constantFrom("one-bbbbb", "two-ccccc", "three-ddddd"), { nil: null }),
  });
  const anyResource = fc.record({
    id: fc.constantFrom("arn:1", "arn:2", "arn:3", "arn:4"),
    infraId: fc.option(fc.constantFrom("one-bbbbb", "two-ccccc", "three-ddddd", "four-fffff"), { nil: null }),
    labId: fc.option(fc.oneof(labIds, fc.constant("e")), { nil: null }),
    createdAt: fc.option(fc.integer({ min: -60, max: 10_000 }).map(ago), { nil: null }),
    dailyCost: fc.constant(null),
  });

  test("never names what a live lab has, in any order, each resource once", () => {
    fc.assert(
      fc.property(fc.array(anyResource), fc.array(anyLab), (resources, known) => {
        const findings = orphansAmong(resources, known, now);
        const live = known.filter((lab) => lab.live);
        for (const { resource: seen, why, lab } of findings) {
          expect(live.some(({ id }) => id === seen.labId)).toBe(false);
          expect(live.some(({ infraId }) => infraId !== null && infraId === seen.infraId)).toBe(false);
          expect(lab === null).toBe(why !== "lab is destroyed");
        }
        expect(new Set(findings.map((f) => f.resource.id)).size).toBe(findings.length);
        const ids = (of: typeof findings): string[] => of.map((f) => f.resource.id);
        expect(ids(orphansAmong([...resources].reverse(), [...known].reverse(), now))).toEqual(ids(findings));
      }),
    );
  });

  test("leaves out nothing old that no live lab has", () => {
    fc.assert(
      fc.property(fc.array(anyResource), fc.array(anyLab), (resources, known) => {
        const found = new Set(orphansAmong(resources, known, now).map((f) => f.resource.id));
        for (const { id, labId, infraId, createdAt } of resources) {
          const owned = known.some(
            (lab) => lab.live && (lab.id === labId || (infraId !== null && lab.infraId === infraId)),
          );
          const old = createdAt === null || now.getTime() - createdAt.getTime() >= 30 * 60_000;
          const beside = resources.filter((other) => infraId !== null && other.infraId === infraId);
          const ours = labId !== null || known.some((lab) => infraId !== null && lab.infraId === infraId);
          const livesBeside = beside.some((other) => known.some((lab) => lab.live && lab.id === other.labId));
          if (!owned && old && ours && !livesBeside) expect(found).toContain(id);
          // Another's cluster: neither recorded here nor tagged by labkeeper.
          if (!ours && beside.every((other) => other.labId === null)) {
            expect(resources.filter((other) => other.id === id).length > 1 || !found.has(id)).toBe(true);
          }
        }
      }),
    );
  });
});

describe("daily price", () => {
  test.each([
    [{ type: "ec2:instance", instanceType: "m6i.xlarge" }, 4.61],
    [{ type: "ec2:instance", instanceType: "m6i.xlarge", stopped: true }, 0],
    [{ type: "ec2:instance", instanceType: "u-6tb1.metal" }, null],
    [{ type: "ec2:instance" }, null],
    [{ type: "ec2:instance", instanceType: "constructor.large" }, null],
    [{ type: "ec2:natgateway" }, 1.08],
    [{ type: "ec2:elastic-ip" }, 0.12],
    [{ type: "elasticloadbalancing:loadbalancer/net" }, 0.54],
    [{ type: "ec2:volume", volumeType: "gp3", gigabytes: 120 }, 0.32],
    [{ type: "ec2:volume", volumeType: "gp9", gigabytes: 120 }, null],
    [{ type: "ec2:volume", volumeType: "gp3" }, null],
    [{ type: "ec2:vpc" }, 0],
    [{ type: "s3:bucket" }, null],
    [{ type: "toString" }, null],
  ])("%j costs %s", (of, price) => {
    expect(dailyPrice(of)).toBe(price);
  });
});
