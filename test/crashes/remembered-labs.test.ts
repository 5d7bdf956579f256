/** What the artifacts remember of labs, for the day when restored records have forgotten them, and what its lack holds. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryOf } from "../../src/core/lab-record.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import type { ArtifactStore } from "../../src/ports.ts";
import type { Reconciled } from "../../src/reconcile.ts";
import { gone, lab, labs } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { backUp, expectWhole, infraIdsOf, orphansOf, restore, restoredWorld } from "./backup.ts";

const holdsOf = ({ plan }: Reconciled) => plan.changes.map(({ lab: name, held }) => [name, held?.guard ?? null]);

describe("creates are held", () => {
  const failing = (w: World, change: Partial<ArtifactStore>): (() => void) => {
    const whole = w.artifacts;
    w.artifacts = { ...whole, ...change };
    return () => {
      w.artifacts = whole;
    };
  };

  test("while the artifacts cannot be read, and only they; they go on by themselves", async () => {
    await using w = await world();
    await w.turn(labs(["edited", "leaving"]));
    const tables = await backUp(w);
    await w.turn(lab("since"));
    await restore(w, tables);
    const mend = failing(w, { list: () => Promise.reject(new LabkeeperError("LK6001", "cannot list labs-by-name")) });
    w.commit({ ...labs(["since", "new"]), ...lab("edited", { spec: { workers: 2 } }), ...gone("leaving") });
    const dry = await w.dryRun();
    const held = await w.reconcile();
    expect(dry.plan).toEqual(held.plan);
    expect(holdsOf(held)).toEqual([
      ["edited", null],
      ["leaving", null],
      ["new", "unreadable-memory"],
      ["since", "unreadable-memory"],
    ]);
    const [hold] = await w.holds();
    expect(hold).toMatchObject({
      message: expect.stringContaining("LK6001"),
      release: expect.stringContaining("by itself"),
    });
    await expect(w.store.approve(hold?.id ?? "", "octocat")).rejects.toMatchObject({ code: "LK3003" });
    await w.work();
    expect(await w.states()).toEqual({ edited: "ready" });
    expect(await w.existing()).toEqual(["edited", "since"]);
    mend();
    await w.turn();
    expect(await w.existing()).toEqual(["edited", "new", "since"]);
    for (const name of ["edited", "new", "since"]) await expectWhole(w, name);
    expect((await w.holds()).filter(({ state }) => state === "open")).toEqual([]);
  });

  test.each([
    ["cut off", (text: string) => text.slice(0, -20)],
    ["of a later version", (text: string) => text.replace('"version": 1', '"version": 2')],
  ])("of a name whose record is %s, and of no other", async (_what, spoil) => {
    await using w = await restoredWorld((it) => it.turn(lab("one")));
    const mend = failing(w, {
      get: async (key) =>
        new TextEncoder().encode(spoil(new TextDecoder().decode((await keptIn(w).get(key)) ?? undefined))),
    });
    const held = await w.turn(lab("two"));
    expect(holdsOf(held)).toEqual([
      ["one", "unreadable-memory"],
      ["two", null],
    ]);
    expect(held.plan.changes[0]?.held?.message).toMatch(/LK6109 .*labs-by-name\/one\//);
    mend();
    await w.turn();
    await expectWhole(w, "one");
    await expectWhole(w, "two");
  });

  test("of a name that has a key which nobody understands", async () => {
    await using w = await restoredWorld((it) => it.artifacts.put("labs-by-name/one/v2/anything", new Uint8Array(1)));
    expect(holdsOf(await w.turn(lab("one")))).toEqual([["one", "unreadable-memory"]]);
    await w.artifacts.remove("labs-by-name/one/v2");
    await w.turn();
    await expectWhole(w, "one");
  });

  test("of a name of which two labs are remembered, until a person decides", async () => {
    await using w = await world();
    await w.turn();
    const tables = await backUp(w);
    await w.turn(lab("one"));
    const first = await w.lab("one");
    const whole = w.artifacts;
    // As it was before labs were remembered: two of them.
    const mend = failing(w, { list: async (prefix) => (prefix === "labs-by-name" ? [] : await whole.list(prefix)) });
    await restore(w, tables);
    await backUp(w);
    await w.turn();
    const second = await w.lab("one");
    expect(await infraIdsOf(w, "one")).toHaveLength(2);
    await restore(w, tables);
    mend();
    const held = await w.turn();
    expect(held.plan.changes).toMatchObject([
      { held: { guard: "several-remembered", message: expect.stringContaining(first.id) } },
    ]);
    expect((await orphansOf(w)).length).toBe(2);
    expect(await w.states()).toEqual({});
    await w.store.approve(held.plan.changes[0]?.held?.hold ?? "", "octocat");
    await w.turn();
    expect(await w.lab("one")).toMatchObject({ id: second.id, state: "ready" });
    expect(await orphansOf(w)).toEqual([{ infraId: first.intent?.["infraID"], lab: "one" }]);
  });
});

const keptIn = (w: World): ArtifactStore => folderArtifacts(join(w.folder, "artifacts"));

describe("what is remembered", () => {
  test("is durable before anything is made, and when it cannot be, nothing is made", async () => {
    await using w = await world();
    const whole = w.artifacts;
    const full = () => Promise.reject(new LabkeeperError("LK6001", "no space"));
    w.artifacts = { ...whole, put: full };
    await w.turn(lab("one"));
    expect(await w.lab("one")).toMatchObject({ state: "failed", failure: { code: "LK6001", step: "record-intent" } });
    expect(await w.existing()).toEqual([]);
    w.artifacts = whole;
    w.watchCloud = async () => {
      const kept = await whole.list(memoryOf(await w.lab("one")));
      expect(kept).toHaveLength(1);
      expect(new TextDecoder().decode((await whole.get(kept[0] ?? "")) ?? undefined)).toContain('"infraID"');
    };
    await w.hurry();
    await w.work();
    await expectWhole(w, "one");
  });

  test("goes with the proof that the lab is gone", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    await w.turn(gone("one"));
    expect((await w.artifacts.list("labs-by-name")).map((key) => key.split("/")[1])).toEqual(["two"]);
  });

  test("costs one list however many labs are made, and no query", async () => {
    await using w = await world();
    await w.turn(lab("other"));
    const asked: string[] = [];
    const whole = w.artifacts;
    w.artifacts = {
      ...whole,
      list: async (prefix) => {
        asked.push(`list ${prefix}`);
        return await whole.list(prefix);
      },
      get: async (key) => {
        asked.push(`get ${key}`);
        return await whole.get(key);
      },
    };
    const unknownLabs = (): Promise<never> => Promise.reject(new Error("no name is remembered"));
    w.commit(labs(Array.from({ length: 200 }, (_, index) => `lab-${index}`)));
    expect((await w.reconcile({ ...w.store, unknownLabs })).applied).toMatchObject({ enqueued: 200 });
    expect(asked).toEqual(["list labs-by-name"]);
    w.commit(gone("other"));
    await w.reconcile({ ...w.store, unknownLabs });
    await w.reconcile();
    expect(asked).toEqual(["list labs-by-name"]);
  });
});
