/** Each exit code that an installer has, or may have one day, before anything exists and after: what it is taken for, and what is left. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../../src/core/types.ts";
import { hearing } from "../provisioners/lab-order.ts";
import { processesOf } from "./hosts.ts";
import { labOf } from "./subjects.ts";
import { type World, world } from "./world.ts";

const PATIENT = { timeout: 120_000 };
const lab = await labOf("aws-standard");

async function prepared(it: World) {
  const recorded: JsonObject[] = [];
  const context = {
    ...hearing(join(it.path, "work")),
    recordIntent: async (intent: JsonObject) => {
      recorded.push(intent);
    },
  };
  recorded.push(await it.provisioner.prepare(lab, context));
  return { context, intent: () => recorded.at(-1) ?? {}, first: recorded[0] ?? {} };
}

const infraIds = async (it: World): Promise<readonly string[]> => [
  ...new Set((await it.resources()).map(({ infraID }) => infraID)),
];

/** By code alone, without a word in the log: what it is, and whether the cluster that was begun is gone on with. */
const CODES: readonly (readonly [code: number, as: string, disposition: string, goesOn: boolean])[] = [
  [1, "LK5220", "retry", false],
  [3, "LK5215", "stop", false],
  [4, "LK5220", "retry", false],
  [5, "LK5216", "retry", false],
  [6, "LK5217", "retry", true],
  [7, "LK5217", "retry", true],
  [8, "LK5219", "retry", true],
  [255, "LK5220", "retry", false],
];

describe.concurrent("exit code", PATIENT, () => {
  test.each(CODES)("%i before and after resources exist is %s", async (code, as, disposition, goesOn) => {
    await using it = await world();
    const { context, intent, first } = await prepared(it);
    const install = () => it.provisioner.install(lab, intent(), context);
    const refused = () =>
      expect(install()).rejects.toMatchObject({
        code: as,
        disposition,
        message: expect.stringContaining(`exit code ${code}`),
        remedy: expect.stringMatching(/\w+ \w+/),
      });

    await it.plan([{ command: "create cluster", at: "start", do: "exit", code }]);
    await refused();
    expect(await it.resources()).toEqual([]);
    expect(await it.provisioner.observe(lab, intent(), context)).toMatchObject({ verdict: "absent" });

    await it.plan([{ command: "create cluster", at: "bootstrap", do: "exit", code }]);
    await refused();
    // Nothing was made under the first one, and nothing exists that is not recorded (P2).
    expect(intent()["infraId"]).not.toBe(first["infraId"]);
    const begun = intent()["infraId"];
    expect(await infraIds(it)).toEqual([begun]);
    expect(await it.provisioner.observe(lab, intent(), context)).toMatchObject({ verdict: "present" });

    const made = await install();
    await it.provisioner.verify(lab, intent(), made.credentials, context);
    expect(intent()["infraId"] === begun).toBe(goesOn);
    expect(await infraIds(it)).toEqual([intent()["infraId"]]);
    await it.provisioner.destroy(lab, intent(), context);
    expect(await it.provisioner.observe(lab, intent(), context)).toMatchObject({ verdict: "absent" });
    expect(await it.resources()).toEqual([]);
  });

  test.each(CODES)("%i of a destroy leaves it unfinished, never called done, to be gone on with", async (code) => {
    await using it = await world();
    const { context, intent } = await prepared(it);
    await it.provisioner.install(lab, intent(), context);
    for (const at of ["start", "half"] as const) {
      await it.plan([{ command: "destroy cluster", at, do: "exit", code }]);
      const failed: unknown = await it.provisioner.destroy(lab, intent(), context).catch((error: unknown) => error);
      expect(failed).toMatchObject({ message: expect.stringMatching(new RegExp(`exit code ${code}.* \\d+ remain`)) });
      expect(await it.provisioner.observe(lab, intent(), context)).toMatchObject({ verdict: "present" });
    }
    await it.provisioner.destroy(lab, intent(), context);
    expect(await it.resources()).toEqual([]);
  });
});

describe.concurrent("a signal from somebody else", PATIENT, () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s is an interruption, and the cluster is gone on with",
    async (signal) => {
      await using it = await world();
      const { context, intent, first } = await prepared(it);
      await it.plan([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
      const installing = expect(it.provisioner.install(lab, intent(), context)).rejects.toMatchObject({
        code: "LK5219",
        disposition: "retry",
      });
      await vi.waitFor(() => expect(context.lines.join("\n")).toContain("bootstrapping to complete"), 60_000);
      for (const pid of await processesOf(it.path)) process.kill(pid, signal);
      await installing;
      // An interruption is no failure of the cluster.
      expect(await it.artifacts.list(`${String(first["snapshot"])}/failures`)).toEqual([]);
      const made = await it.provisioner.install(lab, intent(), context);
      await it.provisioner.verify(lab, intent(), made.credentials, context);
      expect(intent()["infraId"]).toBe(first["infraId"]);
      await it.provisioner.destroy(lab, intent(), context);
      expect(await it.resources()).toEqual([]);
    },
  );
});

test("what was kept of a failure says which command ended how", PATIENT, async () => {
  await using it = await world();
  const { context, intent } = await prepared(it);
  await it.plan([{ command: "create cluster", at: "bootstrap", do: "exit", code: 5 }]);
  await expect(it.provisioner.install(lab, intent(), context)).rejects.toMatchObject({ code: "LK5216" });
  const folder = join(it.artifactsFolder, String(intent()["snapshot"]), "failures");
  const [name = ""] = await readdir(folder);
  expect(JSON.parse(await readFile(join(folder, name), "utf8"))).toMatchObject({
    command: "openshift-install create cluster",
    exitCode: 5,
    class: "bootstrap",
  });
  await it.provisioner.destroy(lab, intent(), context);
});
