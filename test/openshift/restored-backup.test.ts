/**
 * An older backup is restored that does not know a cluster which was installed since. Its file is there, so it is adopted:
 * the installer is only asked whether the cluster is complete, and makes nothing.
 */

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { backUp, restore } from "../crashes/backup.ts";
import { gone, lab } from "../promises/files.ts";
import { type World as Labkeeper, world as labkeeper } from "../promises/world.ts";
import { type Fault, type World, world } from "./world.ts";

const FILE = lab("team-a-since", { spec: { profile: "aws-standard" } });
const STAYS = lab("stays");

interface Scene extends AsyncDisposable {
  readonly it: World;
  readonly w: Labkeeper;
  /** What installers were called with since the last time that this was asked. */
  calls(): Promise<readonly string[]>;
  infraIds(): Promise<readonly string[]>;
}

/** The records are those of before the lab was made. */
async function scene(faults: readonly Fault[] = []): Promise<Scene> {
  const it = await world();
  await it.plan(faults);
  const w = await labkeeper({ provisioners: () => ({ openshift: it.provisioner }) });
  // One store for both, as it is outside of tests.
  w.artifacts = it.artifacts;
  await w.turn(STAYS);
  const tables = await backUp(w);
  await w.turn(FILE);
  await restore(w, tables);
  await it.plan([]);
  let read = 0;
  const self: Scene = {
    it,
    w,
    calls: async () => {
      const lines = (await readFile(join(it.path, "calls"), "utf8")).trimEnd().split("\n");
      const since = lines.slice(read).filter((line) => /^(create|wait-for|destroy)/.test(line));
      read = lines.length;
      return since.map((line) => line.split(" --")[0] ?? line);
    },
    infraIds: async () => [...new Set((await it.resources()).map(({ infraID }) => infraID))],
    [Symbol.asyncDispose]: async () => {
      await w[Symbol.asyncDispose]();
      await it[Symbol.asyncDispose]();
    },
  };
  await self.calls();
  return self;
}

async function expectWhole({ it, w, infraIds }: Scene): Promise<void> {
  const found = await w.lab("team-a-since");
  expect(found).toMatchObject({ state: "ready", failure: null });
  expect(await infraIds()).toEqual([found.intent?.["infraId"]]);
  const stored = await w.secrets.get(`labs/${found.id}`);
  expect(stored?.names).toEqual(expect.arrayContaining(["kubeconfig", "password"]));
  if (stored) await it.provisioner.verify({ ...found, profile: found.policy }, found.intent ?? {}, stored, context());
}

const context = () => ({
  signal: new AbortController().signal,
  workdir: "",
  progress: () => undefined,
  log: () => undefined,
});

test.each(["the same", "another"])(
  "a whole cluster ends ready on %s host without anything being made",
  async (host) => {
    await using s = await scene();
    const before = await s.it.resources();
    if (host === "another") await rm(join(s.w.folder, "work"), { recursive: true });
    await s.w.turn();
    expect(await s.calls()).toEqual(["wait-for install-complete"]);
    expect(await s.it.resources()).toEqual(before);
    await expectWhole(s);
    expect((await s.w.events("team-a-since")).map(({ type }) => type)).toContain("lab.adopted");

    // Its destroy and its receipt are those of any lab.
    await s.w.turn(gone("team-a-since"));
    s.w.later((await s.w.lab("team-a-since")).policy.spec.lifecycle.deletionGraceHours);
    await s.w.turn();
    expect(await s.w.detail("team-a-since")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
    expect(await s.infraIds()).toEqual([]);
    expect(await s.it.artifacts.list("labs-by-name/team-a-since")).toEqual([]);
  },
);

test("a cluster that was half made is gone on with or begun anew, and there is one of it", async () => {
  await using s = await scene([{ command: "create cluster", at: "bootstrap", do: "exit", code: 5 }]);
  const [half] = await s.infraIds();
  expect(half).toBeDefined();
  for (let round = 0; round < 4 && (await s.w.states())["team-a-since"] !== "ready"; round++) {
    await s.w.turn();
    await s.w.hurry();
    await s.w.work();
  }
  await expectWhole(s);
});
