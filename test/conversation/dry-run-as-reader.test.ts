/** Whoever may only read the database can still ask what a reconcile would do, GitHub's merges of this moment included. */

import { expect, test } from "vitest";
import { labkeeper } from "../cli/run-labkeeper.ts";
import { gone, labs } from "../promises/files.ts";
import { carriedOut, type HostedWorld, hostedWorld } from "../pull-requests/hosted-world.ts";

/** `labkeeper reconcile --dry-run` with the readers' role and nothing more. */
async function dryRun(h: HostedWorld) {
  const url = new URL(h.w.database.url);
  url.searchParams.set("options", "-c role=labkeeper_readonly");
  const ended = await labkeeper(["reconcile", "--dry-run", "--output", "json"], {
    LABKEEPER_STATE_DIR: `${h.w.folder}/reader`,
    LABKEEPER_DATABASE_URL: url.href,
    LABKEEPER_CATALOG: h.github.cloneUrl,
    LABKEEPER_GITHUB_REPOSITORY: `${h.github.owner}/${h.github.name}`,
    GITHUB_API_URL: h.github.apiUrl,
    GITHUB_TOKEN: h.github.token,
  });
  return { ...ended, plan: ended.stdout === "" ? null : JSON.parse(ended.stdout) };
}

const shown = (plan: { changes: { lab: string; action: string; held: { guard: string } | null }[] }): string[] =>
  plan.changes.map(({ lab, action, held }) => `${action} ${lab}${held === null ? "" : ` (${held.guard})`}`).sort();

test("a dry run by a reader hears of merges, plans as the real run does, and leaves no trace", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two", "three"]) });
  await h.settle();
  const number = h.open(gone("one"));
  await h.review();
  h.github.merge(number);
  h.push(gone("two"));
  const before = await h.w.dump();
  const asReader = await dryRun(h);
  expect(asReader).toMatchObject({ code: 0, stderr: "" });
  expect(await h.w.dump()).toBe(before);
  expect(shown(asReader.plan)).toEqual(["destroy one", "destroy two (unreviewed-destroy)"]);
  await h.learn();
  const real = await h.w.reconcile();
  expect(carriedOut(real.plan.changes)).toEqual(shown(asReader.plan));
  expect(asReader.plan.hash).toBe(real.plan.hash);
});

test("while GitHub says nothing the plan holds what it cannot know, and says why", async () => {
  await using h = await hostedWorld({ files: labs(["one", "two"]) });
  await h.settle();
  const number = h.open(gone("one"));
  await h.review();
  h.github.merge(number);
  h.github.faults.add(/^GET \/repos\//, { kind: "status", status: 404 });
  const asReader = await dryRun(h);
  expect(asReader.code).toBe(0);
  expect(asReader.stderr).toMatch(/warning: pull requests: .*404/);
  expect(shown(asReader.plan)).toEqual(["destroy one (unreviewed-destroy)"]);
});
