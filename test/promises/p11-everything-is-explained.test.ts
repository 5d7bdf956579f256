/** P11: everything is explained: each transition is an event that says who, why and when, and belongs to one story. */

import { describe, expect, test } from "vitest";
import { palette } from "../../src/cli/palette.ts";
import { storyText } from "../../src/cli/views/story.ts";
import { canMove } from "../../src/core/states.ts";
import type { LabState } from "../../src/core/types.ts";
import type { LabEvent } from "../../src/ports.ts";
import { gone, lab, labs, names } from "./files.ts";
import { type World, world } from "./world.ts";

/** The states that a lab's events tell of, without repetitions. */
const toldStates = (events: readonly LabEvent[]): LabState[] =>
  events
    .flatMap(({ payload }) => (typeof payload["state"] === "string" ? [payload["state"] as LabState] : []))
    .filter((state, index, all) => state !== all[index - 1]);

async function expectExplained(w: World): Promise<number> {
  let transitions = 0;
  for (const { lab: found } of await w.store.labs(true)) {
    const events = (await w.events(found.name)).filter(({ labId }) => labId === found.id);
    const states = toldStates(events);
    expect(states[0]).toBe("pending");
    expect(states.at(-1)).toBe(found.state);
    for (const [index, state] of states.entries()) {
      const before = states[index - 1];
      if (before) expect(canMove(before, state), `${found.name}: ${before} to ${state}`).toBe(true);
    }
    for (const { actor, type, at, correlationId, cause, payload } of events) {
      expect(actor).toMatch(/./);
      expect(type).toMatch(/^[a-z]+\.[a-z]+$/);
      expect(correlationId).toMatch(/^[0-9a-f-]{36}$/);
      expect(at.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
      if (payload["state"] !== undefined) expect(cause, `${found.name}: ${type}`).not.toBeNull();
    }
    transitions += states.length;
  }
  return transitions;
}

describe("a simple life", () => {
  test("is told in order, each part with the commit that caused it, one correlation id for each change", async () => {
    await using w = await world();
    await w.turn(lab("other"));
    const added = w.commit(lab("one"));
    await w.turn();
    const edited = w.commit(lab("one", { spec: { workers: 2 } }));
    await w.turn();
    const removed = w.commit(gone("one"));
    await w.turn();

    const events = await w.events("one");
    const worker = expect.stringMatching(/^worker-\d+$/);
    expect(
      events.map(({ type, actor, cause }) => [type, actor, cause?.kind === "commit" ? cause.commit : cause]),
    ).toEqual([
      ["lab.created", "reconciler", added],
      ["provision.started", worker, added],
      ["intent.recorded", worker, added],
      ["provision.completed", worker, added],
      ["lab.updated", "reconciler", edited],
      ["update.started", worker, edited],
      ["update.completed", worker, edited],
      ["destroy.requested", "reconciler", removed],
      ["destroy.started", worker, removed],
      ["destroy.completed", worker, removed],
    ]);
    const correlations = events.map(({ correlationId }) => correlationId);
    expect(correlations.filter((id, index) => id !== correlations[index - 1])).toHaveLength(3);
    expect(new Set(correlations).size).toBe(3);
    expect(events.every(({ at }, index) => index === 0 || at >= (events[index - 1]?.at ?? at))).toBe(true);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events[4]?.payload["fields"]).toEqual([{ path: "spec.workers", before: 0, after: 2 }]);

    const story = storyText(events, palette(false)).trim().split("\n");
    expect(story).toHaveLength(events.length);
    for (const [index, { type, actor }] of events.entries()) {
      expect(story[index]).toContain(type);
      expect(story[index]).toContain(`by ${actor}`);
    }
    for (const commit of [added, edited, removed]) expect(story.join("\n")).toContain(commit.slice(0, 10));
    expect(story[4]).toContain("spec.workers: 0 → 2");
  });

  test("ends in an expiry that was announced", async () => {
    await using w = await world();
    await w.turn(lab("one", { spec: { ttlHours: 5 } }));
    w.later(3.5);
    await w.turn();
    await w.turn();
    w.later(2);
    await w.turn();
    const told = (await w.events("one")).map(({ type }) => type).filter((type) => !/started|intent|created/.test(type));
    expect(told).toEqual(["provision.completed", "lab.expiring", "destroy.requested", "destroy.completed"]);
    const { expiresAt } = await w.lab("one");
    const announced = (await w.events("one")).find(({ type }) => type === "lab.expiring");
    expect(announced).toMatchObject({ cause: { kind: "expired", expiresAt: expiresAt?.toISOString() } });
  });
});

test("lives in a storm: every state that a lab was in is told, and no other", async () => {
  await using w = await world({ guards: { maxDestroys: 1_000, maxDestroyPercent: 100 } });
  w.weather = {
    failureRate: { install: 0.4, verify: 0.2, update: 0.4, destroy: 0.4 },
    permanentFailureRate: { install: 0.1, update: 0.1 },
    lies: { installedNothing: 0.2, residue: 0.3, unknown: 0.2 },
  };
  const all = names("lab", 10);
  await w.turn(labs(all));
  await w.hurry();
  await w.turn(labs(all.slice(0, 6), { spec: { workers: 2 } }));
  await w.hurry();
  await w.turn(gone(...all.slice(0, 4)));
  await w.hurry();
  await w.turn(labs(all.slice(0, 2)));
  const told = await w.sql<{ type: string }>("select distinct event_type as type from lab_events");
  expect(await expectExplained(w)).toBeGreaterThan(40);
  expect(told.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["provision.failed", "provision.dead", "destroy.failed", "destroy.completed"]),
  );
  const failures = await w.sql<{ payload: { failure?: object } }>(
    "select payload from lab_events where event_type like '%.failed' or event_type like '%.dead'",
  );
  for (const { payload } of failures)
    expect(payload.failure).toMatchObject({
      code: expect.stringMatching(/^LK\d{4}$/),
      message: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
    });
});

test("what people did is told with their names", async () => {
  await using w = await world();
  w.weather = { permanentFailureRate: { install: 1 } };
  await w.turn(labs(["failed", "held", "cancelled"]));
  w.weather = {};
  for (const name of ["failed", "held", "cancelled"]) await w.store.retry(name, "octocat");
  await w.work();
  await w.turn(lab("held", { spec: { version: "4.20.2" } }));
  const [hold] = await w.holds();
  await w.store.approve(hold?.id ?? "", "hubot");
  await w.store.cancel("cancelled", "monalisa");
  await w.store.recordAccess("failed", "mallory");
  await w.turn();
  await w.turn();

  const by = async (name: string, actor: string) =>
    (await w.events(name)).filter((event) => event.actor === actor).map(({ type, cause }) => [type, cause?.kind]);
  expect(await by("failed", "octocat")).toEqual([["lab.retry", "command"]]);
  expect(await by("failed", "mallory")).toEqual([["credentials.read", "command"]]);
  expect(await by("held", "hubot")).toEqual([["hold.approved", "command"]]);
  expect(await by("cancelled", "monalisa")).toEqual([["destroy.requested", "command"]]);
  const replaced = (await w.events("held")).filter(({ type }) => type === "destroy.requested");
  expect(replaced).toMatchObject([{ cause: { kind: "replace", hold: hold?.id } }]);
  expect((await w.events("held")).filter(({ type }) => type === "lab.created")).toHaveLength(2);
  expect((await w.events("held")).map(({ type }) => type)).toEqual(
    expect.arrayContaining(["hold.opened", "hold.used"]),
  );
  await expectExplained(w);
});

test("the database refuses a state without an event, and history cannot be edited", async () => {
  await using w = await world();
  w.weather = { permanentFailureRate: { install: 1 } };
  await w.turn(lab("one"));
  await expect(w.sql("update labs set state = 'failed' where name = 'one'")).rejects.toThrow("without an event");
  for (const statement of [
    "update lab_events set actor = 'nobody'",
    "delete from lab_events",
    "truncate lab_events",
    "delete from labs",
  ])
    await expect(w.sql(statement)).rejects.toThrow("history cannot be edited");
  await expectExplained(w);
});
