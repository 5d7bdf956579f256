/** P1: no destroy without a recorded cause. Could not read is never is gone. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCatalog } from "../../src/git/open-catalog.ts";
import type { Fault } from "../../standins/git/http-backend.ts";
import { type GitServer, startGitServer } from "../git-server.ts";
import { catalogFile, gone, lab, labPath, labs, labText, names } from "./files.ts";
import { type World, world } from "./world.ts";

/** Three labs that serve. */
async function threeLabs(options: Parameters<typeof world>[0] = {}): Promise<World> {
  const w = await world(options);
  await w.turn(labs(["one", "two", "three"]));
  expect(await w.existing()).toEqual(["one", "three", "two"]);
  return w;
}

async function expectUntouched(w: World): Promise<void> {
  await w.work();
  expect(await w.existing()).toEqual(["one", "three", "two"]);
  expect(await w.states()).toEqual({ one: "ready", two: "ready", three: "ready" });
  expect(await w.sql("select name from labs where destroy_cause is not null or leaving_since is not null")).toEqual([]);
  expect((await w.cloud.journal()).filter(({ event }) => event !== "creating" && event !== "created")).toEqual([]);
}

const heldBy = async (w: World): Promise<Record<string, string>> =>
  Object.fromEntries((await w.holds()).map(({ lab: name, guard }) => [name, guard]));

const approveAll = async (w: World): Promise<void> => {
  for (const { id, state } of await w.holds()) if (state === "open") await w.store.approve(id, "octocat");
};

describe("what cannot be read destroys nothing", () => {
  const FAULTS: readonly (readonly [string, Fault])[] = [
    ["an error of the server", { kind: "status", status: 500 }],
    ["a repository that is not found", { kind: "status", status: 404 }],
    ["a refusal", { kind: "status", status: 403 }],
    ["an empty answer", { kind: "empty" }],
    ["a sign-in page", { kind: "body", body: "<html>Sign in</html>", type: "text/html" }],
    ["a cut connection", { kind: "cut", afterBytes: 20 }],
  ];

  let w: World;
  let server: GitServer;
  beforeAll(async () => {
    w = await threeLabs();
    server = await startGitServer(w.folder);
  });
  afterAll(async () => {
    await server.close();
    await w[Symbol.asyncDispose]();
  });

  test.each(FAULTS)("%s", async (_, fault) => {
    const stateDir = join(w.folder, `state-${fault.kind}-${"status" in fault ? fault.status : ""}`);
    w.catalog = openCatalog({ url: `${server.url}/catalog.git`, stateDir, idleMs: 2_000 });
    await w.turn();
    w.commit(gone("one"));
    server.fault(fault);
    await expect(w.reconcile()).rejects.toMatchObject({ code: expect.stringMatching(/^LK100[1-5]$/) });
    server.fault(null);
    w.commit(lab("one"));
    await w.turn();
    await expectUntouched(w);
  });

  test("a server that is not there, a repository that is not one, a branch that went", async () => {
    for (const address of [
      { url: "http://127.0.0.1:1/catalog.git" },
      { url: `${w.folder}/nothing-here` },
      { url: w.folder },
      { url: w.repository.path, ref: "nothing" },
    ]) {
      w.catalog = openCatalog({ ...address, stateDir: w.folder });
      await expect(w.reconcile()).rejects.toMatchObject({ code: expect.stringMatching(/^LK100[1-5]$/) });
    }
    await expectUntouched(w);
  });
});

test("a repository that lost objects destroys nothing", async () => {
  await using w = await threeLabs();
  w.commit({ ...gone("one"), ...lab("four") });
  const tree = w.repository.git(["rev-parse", "main:labs/team-a"]);
  const object = join(w.repository.path, "objects", tree.slice(0, 2), tree.slice(2));
  const bytes = readFileSync(object);
  rmSync(object);
  await expect(w.reconcile()).rejects.toMatchObject({ code: "LK1004" });
  await expectUntouched(w);
  writeFileSync(object, bytes);
  await w.turn();
  expect(await w.existing()).toEqual(["four", "three", "two"]);
});

describe("a catalog that is broken destroys nothing", () => {
  let w: World;
  beforeAll(async () => {
    w = await threeLabs();
  });
  afterAll(async () => await w[Symbol.asyncDispose]());

  test.each([
    ["missing", null],
    ["empty", ""],
    ["not YAML", "spec: [teams"],
    ["of another kind", labText("one")],
    ["with a team twice", catalogFile([{ name: "team-a" }, { name: "team-a" }])],
    ["a link", { link: "labs/team-a/one.yaml" }],
  ])("a catalog.yaml that is %s stops every change and is told", async (_, content) => {
    w.commit({ "catalog.yaml": content, ...gone("one"), ...lab("four") });
    const { plan, applied } = await w.reconcile();
    expect(plan.problems[0]).toMatchObject({ path: "catalog.yaml", line: expect.any(Number) });
    expect({ applied, changes: plan.changes }).toEqual({ applied: null, changes: [] });
    await expectUntouched(w);
    w.commit({ "catalog.yaml": catalogFile(), ...lab("one"), ...gone("four") });
    await w.turn();
    await expectUntouched(w);
  });

  test("a catalog without any lab file is held, and says so", async () => {
    await using w = await threeLabs();
    const { plan } = await w.turn(gone("one", "two", "three"));
    expect(plan.summary).toMatchObject({ destroy: 3, held: 3 });
    expect(await heldBy(w)).toEqual({ one: "catalog-empty", two: "catalog-empty", three: "catalog-empty" });
    await expectUntouched(w);
    await w.turn(labs(["one", "two", "three"]));
    expect(await w.holds()).toEqual([]);
    await expectUntouched(w);
  });

  test.each([
    ["not YAML", "metadata: {name: one"],
    ["emptied", ""],
    ["of binary rubbish", Buffer.from([0, 1, 2, 0xff, 0xfe])],
    ["a link", { link: "/etc/passwd" }],
    ["a submodule", { submodule: "a".repeat(40) }],
    ["too large", `# ${"x".repeat(70_000)}\n`],
    ["a folder of files", null],
  ])("a lab file that is %s keeps its lab", async (what, content) => {
    const inFolder = what === "a folder of files" ? { "labs/team-a/one.yaml/one.yaml": labText("one") } : {};
    const { plan } = await w.turn({ [labPath("one")]: content, ...inFolder });
    expect(plan.problems.length).toBeGreaterThan(0);
    await expectUntouched(w);
    await w.turn({ [labPath("one")]: labText("one") });
    await expectUntouched(w);
  });

  test("rewritten history is held; an approval lets it through", async () => {
    await using w = await threeLabs();
    const trusted = (await w.store.revision())?.commit;
    w.repository.commit(
      { "catalog.yaml": catalogFile(), "profiles/quick.yaml": profileText(w), ...labs(["one", "three"]) },
      { from: null },
    );
    await w.turn();
    expect(await heldBy(w)).toEqual({ two: "history-rewritten" });
    await expectUntouched(w);
    await w.turn(lab("four"));
    expect(await heldBy(w)).toEqual({ two: "history-rewritten", four: "history-rewritten" });
    expect((await w.store.revision())?.trustedCommit).toBe(trusted);
    await expectUntouched(w);

    await approveAll(w);
    await w.turn();
    expect(await w.existing()).toEqual(["four", "one", "three"]);
    const { destroyCause } = await w.lab("two");
    expect(destroyCause).toMatchObject({ kind: "commit" });
    await w.turn(lab("five"));
    expect(await w.holds()).toEqual([]);
    expect(await w.existing()).toEqual(["five", "four", "one", "three"]);
  });

  test("a broken file that appears where another went holds that destroy", async () => {
    await using w = await threeLabs();
    await w.turn({ ...gone("one"), "labs/team-a/renamed.yaml": "metadata: [" });
    expect(await heldBy(w)).toEqual({ one: "unreadable-file" });
    await expectUntouched(w);
  });
});

const profileText = (w: World): string => w.repository.git(["show", "main:profiles/quick.yaml"]);

describe("the destroy budget", () => {
  test("holds all of too many destroys, and approved ones go through", async () => {
    await using w = await world({ guards: { maxDestroys: 2 } });
    await w.turn(labs(names("lab", 5)));
    await w.turn(gone("lab-01", "lab-02", "lab-03"));
    expect(await heldBy(w)).toEqual({
      "lab-01": "destroy-budget",
      "lab-02": "destroy-budget",
      "lab-03": "destroy-budget",
    });
    expect(await w.existing()).toHaveLength(5);

    const meant = (await w.holds()).find(({ lab: name }) => name === "lab-01");
    await w.store.approve(meant?.id ?? "", "octocat");
    await w.turn();
    expect(await w.existing()).toEqual(["lab-02", "lab-03", "lab-04", "lab-05"]);
    expect((await w.events("lab-01")).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["hold.opened", "hold.approved", "hold.used", "destroy.requested", "destroy.completed"]),
    );
  });

  test("counts what earlier commits destroyed, and forgets it when the window has passed", async () => {
    await using w = await world({ guards: { maxDestroys: 2, windowHours: 24 } });
    await w.turn(labs(names("lab", 5), { spec: { ttlHours: 100 } }));
    await w.turn(gone("lab-01"));
    await w.turn(gone("lab-02"));
    await w.turn(gone("lab-03"));
    expect(await heldBy(w)).toEqual({ "lab-03": "destroy-budget" });
    expect(await w.existing()).toEqual(["lab-03", "lab-04", "lab-05"]);
    w.later(25);
    await w.turn();
    expect(await w.existing()).toEqual(["lab-04", "lab-05"]);
  });

  test("is a share of the labs when there are many", async () => {
    await using w = await world({ guards: { maxDestroys: 100, maxDestroyPercent: 25 } });
    await w.turn(labs(names("lab", 12)));
    await w.turn(gone("lab-01", "lab-02", "lab-03", "lab-04"));
    expect(Object.values(await heldBy(w))).toEqual(Array(4).fill("destroy-budget"));
    expect(await w.existing()).toHaveLength(12);
    await w.turn(lab("lab-04"));
    expect(await w.existing()).toHaveLength(9);
  });
});

describe("causes", () => {
  test("the commit that removed the file", async () => {
    await using w = await threeLabs();
    const commit = w.commit(gone("two"));
    await w.turn();
    expect(await w.existing()).toEqual(["one", "three"]);
    const cause = { kind: "commit", commit, path: "labs/team-a/two.yaml" };
    expect(await w.detail("two")).toMatchObject({ lab: { state: "destroyed", destroyCause: cause } });
    const requested = (await w.events("two")).find(({ type }) => type === "destroy.requested");
    expect(requested).toMatchObject({ cause });
  });

  test("its expiry: it is not made again while its file stays, forgotten when that goes, made anew when it is back", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"], { spec: { ttlHours: 5 } }));
    await w.turn(lab("two", { spec: { ttlHours: 50 } }));
    const { id, expiresAt } = await w.lab("one");
    w.later(4.9);
    await w.turn();
    expect(await w.existing()).toEqual(["one", "two"]);

    w.later(0.2);
    await w.turn();
    expect(await w.existing()).toEqual(["two"]);
    const cause = { kind: "expired", expiresAt: expiresAt?.toISOString() };
    expect(await w.lab("one")).toMatchObject({ state: "destroyed", destroyCause: cause });

    const { plan } = await w.turn(lab("one", { owner: "hubot" }));
    expect(plan.summary).toMatchObject({ create: 0, update: 0, destroy: 0 });
    await w.turn();
    expect(await w.existing()).toEqual(["two"]);
    expect(await w.states()).toEqual({ one: "destroyed", two: "ready" });

    await w.turn(gone("one"));
    expect(await w.states()).toEqual({ two: "ready" });
    await w.turn(lab("one"));
    expect(await w.existing()).toEqual(["one", "two"]);
    expect((await w.lab("one")).id).not.toBe(id);
  });

  test("its expiry, unless ttlHours was raised before", async () => {
    await using w = await world();
    await w.turn(lab("one", { spec: { ttlHours: 5 } }));
    const before = await w.lab("one");
    w.later(4);
    await w.turn(lab("one", { spec: { ttlHours: 10 } }));
    const { expiresAt, id, readyAt } = await w.lab("one");
    expect(expiresAt?.getTime()).toBe((readyAt?.getTime() ?? 0) + 10 * 3_600_000);
    w.later(5.5);
    await w.turn();
    expect(await w.existing()).toEqual(["one"]);
    expect(id).toBe(before.id);
    w.later(1);
    await w.turn();
    expect(await w.existing()).toEqual([]);
  });

  test("a command, by whom it was given", async () => {
    await using w = await threeLabs();
    await w.store.cancel("two", "octocat");
    await w.work();
    expect(await w.existing()).toEqual(["one", "three"]);
    const cause = { kind: "command", command: "cancel", actor: "octocat" };
    expect(await w.lab("two")).toMatchObject({ state: "destroyed", destroyCause: cause });
    await w.turn(lab("two", { owner: "hubot" }));
    expect(await w.existing()).toEqual(["one", "three"]);
  });

  test("a command stops a lab in the making, and nothing of it stays", async () => {
    await using w = await world();
    w.weather = { latencySeconds: { install: 60 } };
    w.commit(lab("one"));
    await w.reconcile();
    const worker = await w.worker();
    try {
      await expect.poll(() => w.existing(), { timeout: 10_000 }).toEqual(["one*"]);
      await w.store.cancel("one", "octocat");
      await expect.poll(() => w.states(), { timeout: 10_000 }).toEqual({ one: "destroyed" });
    } finally {
      await worker.stop();
    }
    expect(await w.existing()).toEqual([]);
  });

  test("an approved replacement", async () => {
    await using w = await threeLabs();
    const { id } = await w.lab("two");
    await w.turn(lab("two", { spec: { version: "4.20.2" } }));
    expect(await heldBy(w)).toEqual({ two: "immutable-change" });
    await expectUntouched(w);
    const [hold] = await w.holds();
    await approveAll(w);
    await w.turn();
    const [old] = await w.sql<{ cause: object }>("select destroy_cause as cause from labs where id = $1", [id]);
    expect(old?.cause).toMatchObject({ kind: "replace", hold: hold?.id });
    await w.turn();
    expect((await w.cloud.clusters()).find(({ name }) => name === "two")).toMatchObject({ version: "4.20.2" });
    expect((await w.lab("two")).id).not.toBe(id);
  });

  test("and never none: the database refuses a destroy without one", async () => {
    await using w = await threeLabs();
    await expect(w.sql("update labs set state = 'destroying' where name = 'one'")).rejects.toThrow();
    const pretend = `insert into jobs (lab_id, kind, team, account_region, max_attempts, cause, correlation_id)
      select id, 'destroy', team, account_region, 3, '{"kind":"commit"}', gen_random_uuid() from labs where name = 'one'`;
    await w.sql(pretend);
    const worker = await w.worker({ pollMs: 20 });
    await expect.poll(() => w.errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await worker.stop();
    expect(await w.existing()).toEqual(["one", "three", "two"]);
  });
});

describe("what stands in the way", () => {
  test.each(["protect", "suspend"] as const)(
    "%s keeps a lab whose file went; only the catalog lifts it",
    async (field) => {
      await using w = await world();
      await w.turn(labs(["one", "two"]));
      await w.turn(lab("one", { spec: { [field]: true } }));
      await w.turn(gone("one"));
      const [hold] = await w.holds();
      expect(hold).toMatchObject({ lab: "one", guard: field === "protect" ? "protected" : "suspended" });
      await expect(w.store.approve(hold?.id ?? "", "octocat")).rejects.toMatchObject({ code: "LK3003" });
      await w.turn();
      w.later(30);
      await w.turn();
      expect(await w.existing()).toContain("one");

      await w.turn(lab("one", { spec: { [field]: false, ttlHours: 100 } }));
      await w.turn(gone("one"));
      expect(await w.existing()).not.toContain("one");
    },
  );

  test("protect also stands against a command", async () => {
    await using w = await world();
    await w.turn(lab("one", { spec: { protect: true } }));
    await expect(w.store.cancel("one", "octocat")).rejects.toMatchObject({ code: "LK3004" });
    await w.turn();
    expect(await w.existing()).toEqual(["one"]);
  });

  test("a freeze holds creates, updates and destroys until it is over", async () => {
    const window = {
      name: "year-end",
      from: new Date(Date.now() + 3_600_000).toISOString(),
      to: new Date(Date.now() + 3 * 3_600_000).toISOString(),
    };
    await using w = await world({ guards: { freezeWindows: [window] } });
    await w.turn(labs(["one", "two"]));
    w.later(2);
    await w.turn({ ...gone("one"), ...lab("two", { spec: { workers: 2 } }), ...lab("three") });
    expect(await heldBy(w)).toEqual({ one: "freeze-window", two: "freeze-window", three: "freeze-window" });
    expect(await w.existing()).toEqual(["one", "two"]);
    w.later(2);
    await w.turn();
    expect(await w.existing()).toEqual(["three", "two"]);
    expect((await w.cloud.clusters()).find(({ name }) => name === "two")).toMatchObject({ workers: 2 });
  });
});

describe("the deletion grace", () => {
  const grace = { profiles: { graceful: { lifecycle: { deletionGraceHours: 10 } } } };
  const graceful = { spec: { profile: "graceful" } };

  test("shows the lab as leaving; its file back in time keeps the same lab, untouched", async () => {
    await using w = await world(grace);
    await w.turn({ ...lab("one", graceful), ...lab("two") });
    const before = await w.lab("one");
    const commit = w.commit(gone("one"));
    await w.turn();
    const leaving = await w.lab("one");
    expect(leaving).toMatchObject({ state: "ready", leaving: { cause: { kind: "commit", commit } } });
    w.later(9);
    await w.turn();
    expect(await w.existing()).toEqual(["one", "two"]);

    await w.turn(lab("one", graceful));
    const back = await w.lab("one");
    expect(back).toMatchObject({ id: before.id, state: "ready", leaving: null, readyAt: before.readyAt });
    w.later(5);
    await w.turn();
    expect((await w.cloud.journal()).filter(({ lab: name }) => name === "one").map(({ event }) => event)).toEqual([
      "creating",
      "created",
    ]);
    expect((await w.events("one")).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["lab.leaving", "lab.returned"]),
    );
  });

  test("ends in a destroy, caused by the commit that began it", async () => {
    await using w = await world(grace);
    await w.turn({ ...lab("one", graceful), ...lab("two") });
    const commit = w.commit(gone("one"));
    await w.turn();
    await w.turn(lab("two", { owner: "hubot" }));
    w.later(10.1);
    await w.turn();
    expect(await w.existing()).toEqual(["two"]);
    expect(await w.lab("one")).toMatchObject({ state: "destroyed", destroyCause: { kind: "commit", commit } });
  });
});

describe("an edit that shortens a lab's life", () => {
  const HOUR = 3_600_000;

  test("never ends it before the warning its profile promises, and can be taken back", async () => {
    await using w = await world({ files: lab("one", { spec: { ttlHours: 24 } }) });
    await w.turn();
    w.later(3);
    const { plan } = await w.turn(lab("one", { spec: { ttlHours: 1 } }));
    expect(plan.changes[0]?.reason).toContain("ends the lab");
    await w.turn();
    const shortened = await w.lab("one");
    expect(shortened.state).toBe("ready");
    const warning = shortened.policy.spec.lifecycle.warnBeforeDestroyHours;
    expect(shortened.expiresAt?.getTime()).toBeGreaterThan(
      (shortened.readyAt?.getTime() ?? 0) + (3 + warning - 0.1) * HOUR,
    );
    expect((await w.events("one")).map(({ type }) => type)).toContain("lab.expiring");
    await w.turn(lab("one", { spec: { ttlHours: 24 } }));
    w.later(warning + 1);
    await w.turn();
    expect((await w.lab("one")).state).toBe("ready");
  });

  test("counts against the budget like a removal, over several commits too", async () => {
    await using w = await world({
      guards: { maxDestroys: 1 },
      files: labs(["one", "two", "three"], { spec: { ttlHours: 24 } }),
    });
    await w.turn();
    w.later(3);
    await w.turn(lab("one", { spec: { ttlHours: 1 } }));
    expect(await w.holds()).toEqual([]);
    await w.turn(lab("two", { spec: { ttlHours: 1 } }));
    expect((await w.holds()).map(({ guard, lab: held }) => [guard, held])).toEqual([["destroy-budget", "two"]]);
  });
});
