/** What the action tells before a merge is what labkeeper plans after it, as long as nothing else happened. */

import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { judge } from "../../src/action/verdict.ts";
import type { Plan } from "../../src/core/types.ts";
import { changesSince } from "../../src/git/changes-since.ts";
import { checkout } from "../../src/local/checkout.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { packageFile } from "../../src/package-root.ts";
import { type Files, git } from "../../standins/git/repository.ts";
import { catalogFile, gone, lab, labPath, labs, labText, profileFile } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

const NAMES = ["one", "two", "three", "four", "five", "six"];
const TEAMS = [
  { name: "team-a", maxActiveLabs: 11 },
  { name: "team-b", maxActiveLabs: 1, monthlyBudget: 2500 },
];

let w: World;
let base: string;
let folder: string;

beforeAll(async () => {
  w = await world({
    profiles: { graceful: { lifecycle: { deletionGraceHours: 10 } } },
    teams: TEAMS,
    guards: { maxDestroys: 2, maxDestroyPercent: 100 },
  });
  await w.turn({
    ...labs(NAMES, { spec: { ttlHours: 48 } }),
    ...lab("safe", { spec: { ttlHours: 48, protect: true } }),
    ...lab("still", { spec: { ttlHours: 48 } }),
    ...lab("graceful", { spec: { profile: "graceful", ttlHours: 48 } }),
    ...lab("other", { team: "team-b", spec: { ttlHours: 48 } }),
  });
  // A lab that is suspended from the start is never made.
  await w.turn(lab("still", { spec: { ttlHours: 48, suspend: true } }));
  expect(Object.values(await w.states())).toEqual(Array.from({ length: 10 }, () => "ready"));
  base = w.repository.git(["rev-parse", "main"]);
  folder = join(w.folder, "clone");
  git(w.folder, ["clone", "--quiet", w.repository.path, folder]);
});
afterAll(async () => {
  await w[Symbol.asyncDispose]();
});

/** What people see of a plan, without what only the records know: ids of holds on labs that exist. */
const shown = ({ changes, summary }: Plan): unknown => ({
  summary: { ...summary, problems: 0 },
  changes: changes
    .filter(({ action, held }) => action !== "keep" || held !== null)
    .map(({ lab: name, team, action, replace, reason, fields, held, operation }) => ({
      name,
      team,
      action,
      replace,
      reason,
      fields,
      held: held === null ? null : [held.guard, held.message, held.release],
      hold: "lab" in operation ? null : (held?.hold ?? null),
    })),
});

const moved = (name: string): Files => ({ ...gone(name), ...lab(name, { team: "team-b", spec: { ttlHours: 48 } }) });

/** Everything that a pull request may do to one lab. */
const EDITS: Readonly<Record<string, (name: string) => Files>> = {
  remove: (name) => gone(name),
  extend: (name) => lab(name, { spec: { ttlHours: 96 } }),
  shorten: (name) => lab(name, { spec: { ttlHours: 30 } }),
  grow: (name) => lab(name, { spec: { ttlHours: 48, workers: 4 } }),
  tag: (name) => lab(name, { owner: "hubot", spec: { ttlHours: 48, tags: { purpose: "demo" } } }),
  replace: (name) => lab(name, { spec: { ttlHours: 48, version: "4.20.2" } }),
  default: (name) => lab(name, { spec: { ttlHours: 48, version: "4.20.3" } }),
  break: (name) => ({ [labPath(name)]: `metadata: { name: ${name}` }),
  unknown: (name) => lab(name, { spec: { profile: "nothing" } }),
  rename: (name) => ({ ...gone(name), [labPath(`${name}-new`)]: labText(name) }),
  moved,
  copied: (name) => ({ [labPath(name, { team: "team-b" })]: labText(name, { team: "team-b" }) }),
  ending: (name) => ({ ...gone(name), ...lab(name, { ending: "yml", spec: { ttlHours: 48 } }) }),
  protect: (name) => lab(name, { spec: { ttlHours: 48, protect: true } }),
};

const ADDED: readonly Files[] = [
  {},
  lab("new-1"),
  labs(["new-1", "new-2", "new-3"]),
  lab("new-b", { team: "team-b", spec: { workers: 5 } }),
  { [labPath("nonsense")]: "x: [" },
  { "labs/team-b/README.md": "notes\n" },
  gone("safe"),
  gone("still", "graceful"),
  lab("still", { spec: { ttlHours: 72, suspend: false } }),
];

const POLICIES: readonly Files[] = [
  {},
  {},
  {},
  { "catalog.yaml": catalogFile(TEAMS, { maxDestroys: 0 }) },
  { "profiles/quick.yaml": profileFile("quick", { enabled: false }) },
  { "profiles/graceful.yaml": profileFile("graceful", { lifecycle: { deletionGraceHours: 0 } }) },
];

const pullRequests = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...Object.keys(EDITS)), { maxKeys: 4 }),
    fc.constantFrom(...ADDED),
    fc.constantFrom(...POLICIES),
  )
  .map(
    ([edits, added, policy]): Files => ({
      ...Object.assign({}, ...Object.entries(edits).map(([name, edit]) => EDITS[edit]?.(name))),
      ...added,
      ...policy,
    }),
  );

test("whatever a pull request does", async () => {
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  const edges = { checkout: async (path: string) => checkout(path), changesSince };
  const told = async (commit: string): Promise<Plan | null> => {
    git(folder, ["fetch", "--quiet", "origin", "+refs/heads/main:refs/heads/head"]);
    git(folder, ["checkout", "--quiet", "--force", "--detach", commit]);
    const question = { folder, base, commit, shippedProfiles, now: new Date() };
    return (await judge(edges, question)).plan;
  };
  await fc.assert(
    fc.asyncProperty(pullRequests, async (files) => {
      const commit = w.repository.commit(files, { from: base });
      const plan = await told(commit);
      if (plan === null) throw new Error("there is no plan");
      expect(shown(plan)).toEqual(shown((await w.dryRun()).plan));
    }),
    { numRuns: 30 },
  );
}, 120_000);
