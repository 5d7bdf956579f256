import { describe, expect, it } from "vitest";
import { makePlan, type PlanInput, refusedPlan } from "../../src/core/plan.ts";
import type { Change, Comparison, LabState } from "../../src/core/types.ts";
import {
  COMMIT,
  compared,
  fileOf,
  hoursFromNow,
  inputOf,
  labOf,
  NOW,
  policyOf,
  profileOf,
  protect,
  refusedFile,
  suspend,
  withGrace,
} from "./builders.ts";

const only = (comparison: Comparison, change: Partial<PlanInput> = {}): Change => {
  const { changes } = makePlan(inputOf([comparison], change));
  expect(changes).toHaveLength(1);
  return changes[0]!;
};

describe("a file without a lab", () => {
  it("creates the lab with the profile's defaults", () => {
    const change = only(compared("one", null, [fileOf("one", { spec: { tags: { purpose: "demo" } } })]));
    expect(change).toMatchObject({
      action: "create",
      team: "red",
      source: { path: "labs/red/one.yaml", commit: COMMIT },
    });
    expect(change.operation).toMatchObject({
      kind: "provision",
      spec: {
        version: "4.20.3",
        ttlHours: 24,
        workers: 3,
        tags: { origin: "labkeeper", purpose: "demo" },
        protect: false,
      },
      policy: { name: "standard" },
    });
  });

  it("creates nothing of a refused file and reports its problems", () => {
    const plan = makePlan(inputOf([compared("one", null, [refusedFile("one")])]));
    expect(plan.changes[0]).toMatchObject({ action: "keep", operation: { kind: "none" } });
    expect(plan.problems.map(({ code, path }) => [code, path])).toEqual([["LK2004", "labs/red/one.yaml"]]);
    expect(plan.summary).toEqual({ create: 0, update: 0, destroy: 0, keep: 0, held: 0, problems: 1 });
  });

  it("creates nothing of an unknown profile", () => {
    expect(only(compared("one", null, [fileOf("one")]), { policy: policyOf({ profiles: [] }) }).action).toBe("keep");
  });

  it("creates a lab anew after a commit took it down, not after it expired", () => {
    const commit = labOf("one", { state: "destroyed", destroyCause: { kind: "commit", commit: COMMIT, path: null } });
    expect(only(compared("one", commit, [fileOf("one")])).action).toBe("create");
    const expired = labOf("one", {
      state: "destroyed",
      destroyCause: { kind: "expired", expiresAt: NOW.toISOString() },
    });
    const change = only(compared("one", expired, [fileOf("one", { spec: { workers: 5 } })]));
    expect(change).toMatchObject({ action: "keep", operation: { kind: "none" } });
    expect(change.reason).toContain(`expired at ${NOW.toISOString()}`);
  });
});

describe("two files with one name", () => {
  const files = [fileOf("one", { spec: { workers: 5 } }), fileOf("one", {}, "labs/red/one.yml")];

  it("refuses both and keeps the lab", () => {
    const plan = makePlan(inputOf([compared("one", labOf("one"), files)]));
    expect(plan.changes[0]).toMatchObject({ action: "keep", operation: { kind: "none" } });
    expect(plan.problems.map(({ code, path }) => [code, path])).toEqual([
      ["LK2201", "labs/red/one.yaml"],
      ["LK2201", "labs/red/one.yml"],
    ]);
  });

  it("do not make the lab live longer", () => {
    expect(only(compared("one", labOf("one", { expiresAt: NOW }), files)).action).toBe("destroy");
  });
});

describe("a lab without a file", () => {
  it("is destroyed because of the commit", () => {
    expect(only(compared("one", labOf("one"), []))).toMatchObject({
      action: "destroy",
      operation: { kind: "destroy", cause: { kind: "commit", commit: COMMIT, path: "labs/red/one.yaml" } },
    });
  });

  it("is destroyed too when it never started", () => {
    const lab = labOf("one", { state: "pending" });
    expect(only(compared("one", lab, [], { kind: "provision", state: "queued" })).operation.kind).toBe("destroy");
  });

  it("leaves for the grace of the profile it was made with", () => {
    const change = only(compared("one", labOf("one", {}, {}, withGrace(6)), []));
    expect(change).toMatchObject({ action: "destroy", operation: { kind: "leave", until: hoursFromNow(6) } });
  });

  const cause = { kind: "commit", commit: COMMIT, path: "labs/red/one.yaml" } as const;
  const leaving = (untilHours: number) =>
    labOf("one", { leaving: { since: hoursFromNow(-6), until: hoursFromNow(untilHours), cause } }, {}, withGrace(6));

  it("is kept inside the grace, destroyed with the grace's cause after it", () => {
    expect(only(compared("one", leaving(1), []))).toMatchObject({ action: "keep", operation: { kind: "none" } });
    expect(only(compared("one", leaving(0), []))).toMatchObject({
      action: "destroy",
      operation: { kind: "destroy", cause },
    });
  });

  it("returns as the same lab when its file is back, even after the grace", () => {
    for (const hours of [1, -1])
      expect(only(compared("one", leaving(hours), [fileOf("one")]))).toMatchObject({
        action: "update",
        operation: { kind: "return", lab: { id: "id-one" } },
      });
  });

  it("is kept when a refused file may be its own", () => {
    expect(only(compared("one", leaving(-1), [refusedFile("one")])).action).toBe("keep");
    expect(only(compared("one", labOf("one"), [{ ...refusedFile("uno"), mayBe: ["uno", "one"] }])).action).toBe("keep");
  });

  it("is forgotten when it is gone", () => {
    expect(only(compared("one", labOf("one", { state: "destroyed" }), []))).toMatchObject({
      action: "keep",
      operation: { kind: "forget", lab: { id: "id-one" } },
    });
  });

  it("expires rather than leaves when its time is over", () => {
    const lab = labOf("one", { expiresAt: hoursFromNow(-1) }, {}, withGrace(6));
    expect(only(compared("one", lab, [])).operation).toMatchObject({ kind: "destroy", cause: { kind: "expired" } });
  });
});

describe("expiry", () => {
  const due = labOf("one", { readyAt: hoursFromNow(-24), expiresAt: NOW });

  it("destroys from the moment it is due", () => {
    const change = only(compared("one", due, [fileOf("one")]));
    expect(change.operation).toMatchObject({
      kind: "destroy",
      cause: { kind: "expired", expiresAt: NOW.toISOString() },
    });
    const later = { ...due, expiresAt: new Date(NOW.getTime() + 1) };
    expect(only(compared("one", later, [fileOf("one")])).action).toBe("keep");
  });

  it("gives way to a file that raises ttlHours far enough", () => {
    const extended = only(compared("one", due, [fileOf("one", { spec: { ttlHours: 25 } })]));
    expect(extended.operation).toMatchObject({ kind: "update", spec: { ttlHours: 25 }, job: null });
    const late = { ...due, readyAt: hoursFromNow(-30) };
    expect(only(compared("one", late, [fileOf("one", { spec: { ttlHours: 25 } })])).action).toBe("destroy");
  });

  it("first takes in whether the lab may be destroyed", () => {
    for (const spec of [{ protect: true }, { suspend: true }])
      expect(only(compared("one", due, [fileOf("one", { spec })])).operation.kind).toBe("update");
    const lifted = { ...due, spec: protect(due.spec), documentDigest: "sha256:old" };
    expect(only(compared("one", lifted, [fileOf("one")])).operation.kind).toBe("update");
  });

  it("is not put off by any other edit, nor by a refused replacement", () => {
    for (const spec of [{ workers: 5 }, { version: "4.21.0" }])
      expect(only(compared("one", due, [fileOf("one", { spec })])).operation.kind).toBe("destroy");
  });

  it("does not wait for a refused file to be mended: what a lab may live is pinned with it", () => {
    expect(only(compared("one", due, [refusedFile("one")])).operation).toMatchObject({
      kind: "destroy",
      cause: { kind: "expired" },
    });
  });
});

describe("an edited file", () => {
  const edits: [name: string, change: Parameters<typeof fileOf>[1], fields: unknown[], job: string | null][] = [
    ["ttlHours", { spec: { ttlHours: 48 } }, [{ path: "spec.ttlHours", before: 24, after: 48 }], null],
    ["protect", { spec: { protect: true } }, [{ path: "spec.protect", before: false, after: true }], null],
    ["suspend", { spec: { suspend: true } }, [{ path: "spec.suspend", before: false, after: true }], null],
    ["workers", { spec: { workers: 5 } }, [{ path: "spec.workers", before: 3, after: 5 }], "update"],
    [
      "tags",
      { spec: { tags: { a: "b" } } },
      [{ path: "spec.tags", before: { origin: "labkeeper" }, after: { origin: "labkeeper", a: "b" } }],
      "update",
    ],
    [
      "owner",
      { metadata: { owner: "hubot" } },
      [{ path: "metadata.owner", before: "octocat", after: "hubot" }],
      "update",
    ],
    [
      "costCenter",
      { metadata: { costCenter: "r" } },
      [{ path: "metadata.costCenter", before: "sandbox", after: "r" }],
      "update",
    ],
    ["team", { metadata: { team: "blue" } }, [{ path: "metadata.team", before: "red", after: "blue" }], "update"],
    ["a default written out", { spec: { workers: 3, version: "4.20.3" } }, [], null],
  ];

  it.each(edits)("updates in place: %s", (_, edit, fields, job) => {
    const change = only(compared("one", labOf("one"), [fileOf("one", edit)]));
    expect(change).toMatchObject({ action: "update", replace: false, fields, operation: { kind: "update", job } });
  });

  it("keeps what the file leaves out as it was pinned, whatever the profile says now", () => {
    const lab = labOf("one", {}, { spec: { ttlHours: 48, workers: 5, version: "4.20.3" } });
    const now = profileOf("standard", { openshiftVersions: { allowlist: ["4.22.0"], default: "4.22.0" } });
    const change = only(compared("one", lab, [fileOf("one")]), { policy: policyOf({ profiles: [now] }) });
    expect(change).toMatchObject({ action: "update", fields: [], operation: { spec: lab.spec, job: null } });
  });

  it.each([
    ["spec.version", { version: "4.21.0" }],
    ["spec.region", { region: "eu-west-1" }],
    ["spec.baseDomain", { baseDomain: "other.example.com" }],
  ])("replaces the lab when %s changes", (path, spec) => {
    const change = only(compared("one", labOf("one"), [fileOf("one", { spec: { ...spec, workers: 5 } })]));
    expect(change).toMatchObject({ action: "update", replace: true, operation: { kind: "replace" } });
    expect(change.fields.map((field) => field.path)).toEqual([path]);
  });

  it("replaces the lab when its profile changes, if that profile is known", () => {
    const files = [fileOf("one", { spec: { profile: "other" } })];
    expect(only(compared("one", labOf("one"), files)).action).toBe("keep");
    const policy = policyOf({
      profiles: [profileOf("other", { openshiftVersions: { allowlist: ["5.0.0"], default: "5.0.0" } })],
    });
    expect(only(compared("one", labOf("one"), files), { policy }).fields).toEqual([
      { path: "spec.profile", before: "standard", after: "other" },
      { path: "spec.version", before: "4.20.3", after: "5.0.0" },
    ]);
  });

  const workers = [fileOf("one", { spec: { workers: 5 } })];
  const carriers: [LabState, Comparison["job"], string | null][] = [
    ["pending", { kind: "provision", state: "queued" }, null],
    ["failed", { kind: "provision", state: "queued" }, null],
    ["failed", null, "provision"],
    ["failed_permanent", null, "provision"],
    ["timed_out", { kind: "provision", state: "dead" }, "provision"],
    ["provisioning", { kind: "provision", state: "running" }, "update"],
    ["ready", null, "update"],
    ["ready", { kind: "update", state: "queued" }, null],
    ["updating", { kind: "update", state: "running" }, "update"],
  ];
  it.each(carriers)("in a lab that is %s with job %o is carried by %s", (state, job, carrier) => {
    const change = only(compared("one", labOf("one", { state }), workers, job));
    expect(change.operation).toMatchObject({ kind: "update", job: carrier, spec: { workers: 5 } });
  });

  it("tries a lab that failed for good again whatever the edit is", () => {
    const lab = labOf("one", { state: "failed_permanent" });
    expect(only(compared("one", lab, [fileOf("one", { spec: { ttlHours: 5 } })])).operation).toMatchObject({
      job: "provision",
    });
    const same = only(compared("one", lab, [fileOf("one")]));
    expect(same.action).toBe("keep");
    expect(same.reason).toContain("labkeeper retry one");
  });

  it("does not try an update again that failed for good", () => {
    const [file] = workers;
    const change = only(compared("one", labOf("one", { failedDigest: file!.digest }), workers));
    expect(change.action).toBe("keep");
  });

  it("takes an update that failed for good to the lab with whatever edit comes next", () => {
    const lab = labOf("one", { failedDigest: "sha256:failed", documentDigest: "sha256:failed" });
    const change = only(compared("one", lab, [fileOf("one", { spec: { ttlHours: 48 } })]));
    expect(change.operation).toMatchObject({ kind: "update", job: "update" });
  });

  it("waits while the lab is asleep when the lab has to be told", () => {
    expect(only(compared("one", labOf("one", { state: "hibernated" }), workers)).action).toBe("keep");
    const ttl = [fileOf("one", { spec: { ttlHours: 48 } })];
    expect(only(compared("one", labOf("one", { state: "hibernated" }), ttl)).action).toBe("update");
  });

  it("is taken in after the lab is created again when the lab is on its way out", () => {
    const lab = labOf("one", { state: "destroying", destroyCause: { kind: "commit", commit: COMMIT, path: null } });
    const change = only(compared("one", lab, workers, { kind: "destroy", state: "running" }));
    expect(change.action).toBe("keep");
    expect(change.reason).toContain("created again");
  });
});

it("calls a moved file the same lab, and records where it is now", () => {
  const change = only(compared("one", labOf("one"), [fileOf("one", {}, "labs/red/one.yml")]));
  expect(change).toMatchObject({
    action: "keep",
    fields: [],
    operation: { kind: "update", job: null, file: { path: "labs/red/one.yml" } },
  });
});

it("sorts by team and lab, counts what it left out, and merges problems once", () => {
  const broken = refusedFile("broken");
  const plan = makePlan(
    inputOf(
      [
        compared("zed", null, [fileOf("zed")]),
        compared("broken", labOf("broken"), [broken]),
        compared("abe", null, [fileOf("abe")]),
        compared("blu", null, [fileOf("blu", { metadata: { team: "blue" } })]),
        compared("nobody", null, []),
      ],
      { unchanged: 7, problems: broken.problems },
    ),
  );
  expect(plan.changes.map(({ lab }) => lab)).toEqual(["blu", "abe", "broken", "zed"]);
  expect(plan.summary).toEqual({ create: 3, update: 0, destroy: 0, keep: 8, held: 0, problems: 1 });
});

it("leaves a suspended lab's update to the guard", () => {
  const lab = labOf("one");
  const change = only(
    compared("one", { ...lab, spec: suspend(lab.spec) }, [fileOf("one", { spec: { workers: 4, suspend: true } })]),
  );
  expect(change.operation.kind).toBe("update");
});

it("does nothing of a catalog whose policy cannot be read", () => {
  const { problems } = refusedFile("catalog", "LK2301");
  expect(refusedPlan(COMMIT, null, problems)).toMatchObject({
    changes: [],
    problems,
    summary: { destroy: 0, keep: 0, problems: 1 },
  });
});

describe("a pull request that brought the commit", () => {
  const linked = (comparison: Comparison, endsNow = false): Comparison => ({
    ...comparison,
    pullRequest: { number: 12, endsNow },
  });
  const due = labOf("one", { expiresAt: NOW });

  it("is named in the change and in the cause of a destroy, not in that of an expiry", () => {
    const removed = only(linked(compared("one", labOf("one"), [])));
    expect(removed.source?.pullRequest).toBe(12);
    expect(removed.operation).toMatchObject({ kind: "destroy", cause: { kind: "commit", pullRequest: 12 } });
    const leaves = only(linked(compared("one", labOf("one", {}, {}, withGrace(2)), [])));
    expect(leaves.operation).toMatchObject({ kind: "leave", cause: { kind: "commit", pullRequest: 12 } });
    expect(only(linked(compared("one", null, [fileOf("one")]))).source?.pullRequest).toBe(12);
    const expired = only(linked(compared("one", due, [])));
    expect(expired.source?.pullRequest).toBeNull();
    expect(expired.operation).toMatchObject({ kind: "destroy", cause: { kind: "expired" } });
    expect(only(compared("one", labOf("one"), [])).operation).toMatchObject({
      cause: { kind: "commit", commit: COMMIT },
    });
  });

  it("is no part of the hash", () => {
    const all = [
      compared("one", null, [fileOf("one")]),
      compared("two", labOf("two"), []),
      compared("three", labOf("three", {}, {}, withGrace(2)), []),
      compared("four", labOf("four"), [fileOf("four", { spec: { workers: 4 } })]),
    ];
    const hash = (comparisons: readonly Comparison[]) => makePlan(inputOf([...comparisons])).hash;
    expect(hash(all.map((each) => linked(each)))).toBe(hash(all));
  });

  it("ends at once, without the deletion grace, what it was opened to end", () => {
    const graceful = labOf("one", {}, {}, withGrace(2));
    expect(only(linked(compared("one", graceful, []), true)).operation.kind).toBe("destroy");
    const cause = { kind: "commit", commit: COMMIT, path: null } as const;
    const leaving = { ...graceful, leaving: { since: hoursFromNow(-1), until: hoursFromNow(1), cause } };
    expect(only(linked(compared("one", leaving, []), true)).operation.kind).toBe("destroy");
    expect(only(linked(compared("one", leaving, []))).operation.kind).toBe("none");
    // Its file came back: nothing ends.
    expect(only(linked(compared("one", graceful, [fileOf("one")]), true)).action).toBe("keep");
  });
});
