/** A plan speaks for one removal. Once the file has come back, the next removal needs a plan of its own. */

import { expect, test } from "vitest";
import { gone, lab, labs } from "../promises/files.ts";
import { hostedWorld } from "./hosted-world.ts";

const NO_BUDGET = { guards: { maxDestroys: 0 }, files: labs(["one", "two"]) };

/** Merged as planned, and held by the budget: the lab is still there. */
async function heldRemoval() {
  const h = await hostedWorld(NO_BUDGET);
  await h.settle();
  const number = h.open(gone("one"));
  await h.review();
  h.github.merge(number);
  await h.settle();
  expect(await h.w.holds()).toMatchObject([{ guard: "destroy-budget", lab: "one" }]);
  return h;
}

const giveBudget = (h: Awaited<ReturnType<typeof heldRemoval>>) =>
  h.push({ "catalog.yaml": (h.github.file("catalog.yaml") ?? "").replace('"maxDestroys":0', '"maxDestroys":5') });

test.each(["a pull request", "a push"])("a file that %s brought back before its lab went", async (how) => {
  await using h = await heldRemoval();
  if (how === "a push") h.push(lab("one"));
  else {
    const revert = h.open(lab("one"));
    await h.review();
    h.github.merge(revert);
  }
  await h.settle();
  expect(await h.w.holds()).toEqual([]);
  giveBudget(h);
  await h.settle();
  h.push(gone("one"));
  await h.settle();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await h.w.holds()).toMatchObject([{ guard: "unreviewed-destroy", lab: "one" }]);
});

test("a removal and its revert between two cycles", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const removal = h.open(gone("one"));
  await h.review();
  h.github.merge(removal);
  h.github.merge(h.open(lab("one")));
  await h.settle();
  await h.review();
  h.push(gone("one"));
  await h.settle();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await h.w.holds()).toMatchObject([{ guard: "unreviewed-destroy", lab: "one" }]);
});

test("a later plan to remove it counts again", async () => {
  await using h = await heldRemoval();
  giveBudget(h);
  h.push(lab("one"));
  await h.settle();
  const again = h.open(gone("one"));
  await h.review();
  h.github.merge(again);
  await h.settle();
  expect(await h.w.existing()).toEqual(["two"]);
  expect(await h.w.holds()).toEqual([]);
});
