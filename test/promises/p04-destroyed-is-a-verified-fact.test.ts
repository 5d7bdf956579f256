/** P4: destroyed is a verified fact. */

import { expect, test } from "vitest";
import type { Observation } from "../../src/core/types.ts";
import { gone, lab, labs } from "./files.ts";
import { type World, world } from "./world.ts";

const ABSENT: Observation = { verdict: "absent", evidence: ["nothing is tagged"] };

/** Two labs; the file of one goes. */
async function oneGoes(): Promise<World> {
  const w = await world();
  await w.turn(labs(["one", "two"]));
  w.commit(gone("one"));
  return w;
}

async function expectStillThere(w: World, code: string): Promise<void> {
  const { lab: found, receipt, job } = await w.detail("one");
  expect({ state: found.state, receipt, kind: job?.kind, job: job?.state }).toEqual({
    state: "destroy_failed",
    receipt: null,
    kind: "destroy",
    job: "queued",
  });
  expect(found.failure).toMatchObject({
    code,
    remedy: expect.stringMatching(/./),
    retryAt: expect.stringMatching(/./),
  });
  expect(await w.states()).toMatchObject({ one: "destroy_failed" });
}

test("the receipt holds two looks that both found nothing", async () => {
  await using w = await oneGoes();
  await w.turn();
  expect(await w.existing()).toEqual(["two"]);
  const { lab: found, receipt } = await w.detail("one");
  expect(found).toMatchObject({ state: "destroyed", failure: null });
  expect(receipt).toMatchObject({ id: expect.any(String), createdAt: expect.any(String), provisioner: "simulated" });
  const seen = {
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    verdict: "absent",
    evidence: [expect.stringContaining("one-")],
  };
  expect(receipt?.["observations"]).toEqual([seen, seen]);
  expect(await w.secrets.get(`labs/${found.id}`)).toBeNull();
});

test("a destroy that leaves something behind is told and tried again until it is gone", async () => {
  await using w = await oneGoes();
  w.weather = { lies: { residue: 1 } };
  await w.turn();
  for (let round = 0; round < 5; round++) {
    await expectStillThere(w, "LK5007");
    expect((await w.lab("one")).failure?.message).toContain("volume/");
    expect(await w.existing()).toEqual(["one*", "two"]);
    await w.hurry();
    await w.turn();
  }
  w.weather = {};
  await w.hurry();
  await w.turn();
  expect(await w.existing()).toEqual(["two"]);
  expect(await w.lab("one")).toMatchObject({ state: "destroyed", failure: null });
});

test("a cloud that does not answer proves nothing", async () => {
  await using w = await oneGoes();
  w.weather = { lies: { unknown: 1 } };
  await w.turn();
  await expectStillThere(w, "LK5008");
  expect(await w.existing()).toEqual(["two"]);
  w.weather = {};
  await w.hurry();
  await w.work();
  expect(await w.lab("one")).toMatchObject({ state: "destroyed" });
});

test("a destroyer that only says so is found out", async () => {
  await using w = await oneGoes();
  w.interfere.destroy = () => Promise.resolve();
  await w.turn();
  await expectStillThere(w, "LK5007");
  expect(await w.existing()).toEqual(["one", "two"]);
  delete w.interfere.destroy;
  await w.hurry();
  await w.work();
  expect(await w.existing()).toEqual(["two"]);
});

test.each([
  ["then present", { verdict: "present", evidence: ["volume/one"] }, "LK5007"],
  ["then unknown", { verdict: "unknown", reason: "throttled" }, "LK5008"],
] as const)("once absent, %s: both looks of one run must agree", async (_, second, code) => {
  await using w = await oneGoes();
  const looks: Observation[] = [ABSENT, second, second, ABSENT, second];
  w.interfere.observe = () => Promise.resolve(looks.shift() ?? ABSENT);
  await w.turn();
  await expectStillThere(w, code);
  await w.hurry();
  await w.work();
  await expectStillThere(w, code);
  await w.hurry();
  await w.work();
  await expectStillThere(w, code);
  await w.hurry();
  await w.work();
  expect(await w.lab("one")).toMatchObject({ state: "destroyed" });
});

test("a look that throws is no absence", async () => {
  await using w = await oneGoes();
  w.interfere.observe = () => Promise.reject(new Error("no route to host"));
  await w.turn();
  await expectStillThere(w, "LK5002");
});

test("a file that is back meanwhile waits until the old lab is gone for good", async () => {
  await using w = await oneGoes();
  w.weather = { lies: { residue: 1 } };
  await w.turn();
  const { id } = await w.lab("one");
  await w.turn(lab("one"));
  expect(await w.states()).toMatchObject({ one: "destroy_failed" });
  w.weather = {};
  await w.hurry();
  await w.work();
  await w.turn();
  expect(await w.existing()).toEqual(["one", "two"]);
  expect((await w.lab("one")).id).not.toBe(id);
});

test("a lab that never got as far as an intent has a receipt too", async () => {
  await using w = await world();
  w.interfere.prepare = () => Promise.reject(new Error("no quota"));
  await w.turn(labs(["one", "two"]));
  await w.turn(gone("one"));
  const { lab: found, receipt } = await w.detail("one");
  expect(found).toMatchObject({ state: "destroyed", intent: null });
  expect(JSON.stringify(receipt)).toContain("nothing was made");
});

test("the database refuses destroyed without a receipt, and a receipt without two absences", async () => {
  await using w = await oneGoes();
  await w.turn();
  for (const observations of ["[]", '[{"verdict":"absent"}]', '[{"verdict":"absent"},{"verdict":"unknown"}]', "{}"]) {
    await expect(
      w.sql(
        "insert into destroy_receipts (lab_id, provisioner, observations) select id, 'x', $1 from labs where name = 'two'",
        [observations],
      ),
    ).rejects.toThrow("receipt_is_two_absences");
  }
  await expect(w.sql("update destroy_receipts set provisioner = 'x'")).rejects.toThrow("history");
  await expect(w.sql("update labs set state = 'destroyed' where name = 'two'")).rejects.toThrow();
  await expect(w.sql("update labs set receipt_id = null where name = 'one'")).rejects.toThrow("destroyed_has_receipt");
});
