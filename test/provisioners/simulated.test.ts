import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { prng } from "../../src/core/prng.ts";
import type { JsonObject } from "../../src/core/types.ts";
import type { Provisioner } from "../../src/ports.ts";
import { simulatedProvisioner } from "../../src/provisioners/simulated.ts";
import { folderCloud, memoryCloud, type SimulatedWorld } from "../../src/provisioners/simulated-cloud.ts";
import { simulatedSettings } from "../../src/provisioners/simulated-settings.ts";
import { provisionerContract } from "./contract.ts";
import { hearing, labOrder, temporaryFolder } from "./lab-order.ts";

const names = async (world: SimulatedWorld): Promise<string[]> => (await world.clusters()).map(({ name }) => name);

provisionerContract("the simulated provisioner on files", async () => {
  const folder = await temporaryFolder();
  const cloud = folderCloud(folder.path);
  return {
    provisioner: simulatedProvisioner({ cloud, seed: "contract" }),
    things: () => names(cloud),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
});

provisionerContract("the simulated provisioner in memory", async () => {
  const cloud = memoryCloud();
  return {
    provisioner: simulatedProvisioner({ cloud, seed: "contract" }),
    things: () => names(cloud),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

const simulated = (settings: JsonObject) => labOrder({ platformConfig: { simulated: settings } });
const context = () => hearing("/nonexistent");

/** A provisioner whose sleeps take no time but are written down. */
function instant(seed = "seed"): { provisioner: Provisioner; cloud: SimulatedWorld; slept: number[] } {
  const slept: number[] = [];
  const cloud = memoryCloud();
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
  };
  return { provisioner: simulatedProvisioner({ cloud, seed, sleep }), cloud, slept };
}

describe("pace", () => {
  test("an install tells its phases with a rising percentage and takes the whole latency", async () => {
    const { provisioner, slept } = instant();
    const lab = simulated({ latencySeconds: { install: 10 } });
    const heard = context();
    await provisioner.install(lab, await provisioner.prepare(lab, context()), heard);
    const percents = heard.phases.map(({ percent }) => percent ?? -1);
    expect(percents.length).toBeGreaterThan(3);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(heard.lines.join("\n")).toMatch(/bootstrap[\s\S]*Install complete!/);
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(10_000);
  });

  test("without latency nothing sleeps and nothing is counted", async () => {
    const { provisioner, slept, cloud } = instant();
    const none = { prepare: 0, install: 0, verify: 0, update: 0, destroy: 0, observe: 0 };
    const lab = simulated({ latencySeconds: none });
    const intent = await provisioner.prepare(lab, context());
    await provisioner.install(lab, intent, context());
    await provisioner.update(lab, intent, context());
    expect(slept).toEqual([]);
    expect(await cloud.count(String(intent.infraID), "install")).toBe(0);
  });

  test("jitter and luck are the same for the same seed, lab and call, and differ for another", async () => {
    const lab = simulated({ latencySeconds: { install: 10 }, jitter: 0.5, failureRate: { install: 0.5 } });
    const history = async (seed: string): Promise<unknown> => {
      const { provisioner, slept } = instant(seed);
      const intent = await provisioner.prepare(lab, context());
      const ends: string[] = [];
      for (let call = 0; call < 12; call++) {
        const end = await provisioner.install(lab, intent, context()).then(
          () => "ok",
          (error: { code: string }) => error.code,
        );
        ends.push(end);
        await provisioner.destroy(lab, intent, context());
      }
      return { ends, slept };
    };
    const first = await history("a");
    expect(await history("a")).toEqual(first);
    expect(await history("b")).not.toEqual(first);
    expect(JSON.stringify(first)).toMatch(/LK5002.*ok|ok.*LK5002/);
  });

  test("the generator is uniform enough for rates to mean what they say", () => {
    const random = prng("uniform", 1);
    const hits = Array.from({ length: 10_000 }, random).filter((draw) => draw < 0.1).length;
    expect(hits).toBeGreaterThan(900);
    expect(hits).toBeLessThan(1100);
    expect(prng("uniform", 1)()).toBe(prng("uniform", 1)());
  });
});

describe("failures", () => {
  test("a failed install leaves what it had made, and destroy finds it", async () => {
    const { provisioner, cloud } = instant();
    const lab = simulated({ failureRate: { install: 1 } });
    const intent = await provisioner.prepare(lab, context());
    await expect(provisioner.install(lab, intent, context())).rejects.toMatchObject({ code: "LK5002" });
    expect(await provisioner.observe(lab, intent, context())).toMatchObject({ verdict: "present" });
    await provisioner.destroy(lab, intent, context());
    expect(await cloud.clusters()).toEqual([]);
    expect((await cloud.journal()).map(({ event }) => event)).toEqual(["creating", "failed", "deleted"]);
  });

  test("a permanent failure stops", async () => {
    const { provisioner } = instant();
    const lab = simulated({ permanentFailureRate: { install: 1 } });
    const intent = await provisioner.prepare(lab, context());
    const failing = provisioner.install(lab, intent, context());
    await expect(failing).rejects.toMatchObject({ code: "LK5003", disposition: "stop" });
  });

  test.each(["install", "destroy", "observe"] as const)("a hanging %s ends when it is stopped", async (verb) => {
    const { provisioner } = instant();
    const lab = simulated({ hangRate: { [verb]: 1 } });
    const intent = await provisioner.prepare(lab, context());
    if (verb !== "install") await provisioner.install(lab, intent, context());
    const stop = new AbortController();
    const hanging = provisioner[verb](lab, intent, hearing("/nonexistent", stop.signal));
    const first = await Promise.race([hanging.catch(() => "ended"), new Promise((go) => setImmediate(go, "hangs"))]);
    expect(first).toBe("hangs");
    stop.abort();
    if (verb === "observe") expect(await hanging).toMatchObject({ verdict: "unknown" });
    else await expect(hanging).rejects.toMatchObject({ code: "LK5009" });
  });

  test("an abort interrupts a real sleep at once", async () => {
    const provisioner = simulatedProvisioner({ cloud: memoryCloud(), seed: "s" });
    const lab = simulated({ latencySeconds: { install: 3600 } });
    const intent = await provisioner.prepare(lab, context());
    const stop = new AbortController();
    const installing = provisioner.install(lab, intent, hearing("/nonexistent", stop.signal));
    setImmediate(() => stop.abort());
    await expect(installing).rejects.toMatchObject({ code: "LK5009" });
  });
});

describe("lies", () => {
  test("an installer that says ok with nothing there is found out by verify", async () => {
    const { provisioner, cloud } = instant();
    const lab = simulated({ lies: { installedNothing: 1 } });
    const intent = await provisioner.prepare(lab, context());
    const { credentials } = await provisioner.install(lab, intent, context());
    expect(await cloud.clusters()).toEqual([]);
    await expect(provisioner.verify(lab, intent, credentials, context())).rejects.toMatchObject({ code: "LK5006" });
  });

  test("a destroy that says ok with something left is found out by observe", async () => {
    const { provisioner, cloud } = instant();
    const lab = simulated({ lies: { residue: 1 } });
    const intent = await provisioner.prepare(lab, context());
    await provisioner.install(lab, intent, context());
    await provisioner.destroy(lab, intent, context());
    expect(await provisioner.observe(lab, intent, context())).toMatchObject({ verdict: "present" });
    expect((await cloud.clusters())[0]).toMatchObject({ state: "residue" });
  });

  test("unknown is unknown, whether the lab is there or not", async () => {
    const { provisioner } = instant();
    const lab = simulated({ lies: { unknown: 1 } });
    const intent = await provisioner.prepare(lab, context());
    expect(await provisioner.observe(lab, intent, context())).toMatchObject({ verdict: "unknown" });
  });
});

describe("the cloud on files", () => {
  test("is shared between processes' views of it, and keeps no secret", async () => {
    await using folder = await temporaryFolder();
    const one = simulatedProvisioner({ cloud: folderCloud(folder.path), seed: "s" });
    const two = simulatedProvisioner({ cloud: folderCloud(folder.path), seed: "s" });
    const lab = labOrder();
    const intent = await one.prepare(lab, context());
    const { credentials } = await one.install(lab, intent, context());
    await two.verify(lab, intent, credentials, context());
    const stored = JSON.stringify(await folderCloud(folder.path).clusters());
    for (const name of credentials.names) expect(stored).not.toContain(credentials.reveal(name));
    expect(await readdir(join(folder.path, "simulated"))).toContain(`${intent.infraID}.json`);
  });

  test("counts calls over all of its users", async () => {
    await using folder = await temporaryFolder();
    const [one, two] = [folderCloud(folder.path), folderCloud(folder.path)];
    await one.open();
    expect([await one.count("a", "install"), await two.count("a", "install"), await one.count("a", "verify")]).toEqual([
      0, 1, 0,
    ]);
  });

  test("that is lost or unreadable is unknown, never absent", async () => {
    await using folder = await temporaryFolder();
    const provisioner = simulatedProvisioner({ cloud: folderCloud(folder.path), seed: "s" });
    const lab = labOrder();
    const intent = await provisioner.prepare(lab, context());
    await provisioner.install(lab, intent, context());
    await writeFile(join(folder.path, "simulated", `${intent.infraID}.json`), "{ half a");
    expect(await provisioner.observe(lab, intent, context())).toMatchObject({ verdict: "unknown" });
    await rm(join(folder.path, "simulated"), { recursive: true });
    expect(await provisioner.observe(lab, intent, context())).toMatchObject({ verdict: "unknown" });
    await expect(provisioner.destroy(lab, intent, context())).rejects.toMatchObject({ code: "LK5002" });
  });

  test.each(["../../etc/passwd", "", "A", "x/y", 7, null])("refuses the recorded infraID %j", async (infraID) => {
    await using folder = await temporaryFolder();
    const provisioner = simulatedProvisioner({ cloud: folderCloud(folder.path), seed: "s" });
    await provisioner.prepare(labOrder(), context());
    await expect(provisioner.destroy(labOrder(), { infraID }, context())).rejects.toMatchObject({ code: "LK5003" });
    expect(await provisioner.observe(labOrder(), { infraID }, context())).toMatchObject({ verdict: "unknown" });
  });
});

describe("settings", () => {
  test("default to a fast life without surprises", () => {
    const settings = simulatedSettings(undefined);
    const seconds = Object.values(settings.latencySeconds).reduce((sum, value) => sum + value, 0);
    expect(seconds).toBeLessThanOrEqual(0.06);
    expect(settings.lies).toEqual({ installedNothing: 0, residue: 0, unknown: 0 });
  });

  test.each([
    [{ simulated: [] }, "simulated must be an object"],
    [{ simulated: { latency: 1 } }, 'unknown field "latency"'],
    [{ simulated: { latencySeconds: { instal: 1 } } }, 'unknown field "instal"'],
    [{ simulated: { latencySeconds: { install: -1 } } }, "latencySeconds.install must be a number from 0 to 86400"],
    [{ simulated: { latencySeconds: { install: "1" } } }, "latencySeconds.install"],
    [{ simulated: { failureRate: { verify: 1.01 } } }, "failureRate.verify must be a number from 0 to 1"],
    [{ simulated: { hangRate: 1 } }, "hangRate must be an object"],
    [{ simulated: { lies: { residue: null } } }, "lies.residue must be a number"],
    [{ simulated: { jitter: 2 } }, "jitter must be a number"],
  ] as [JsonObject, string][])("%j is refused", async (platformConfig, message) => {
    const { provisioner } = instant();
    const preparing = provisioner.prepare(labOrder({ platformConfig }), context());
    await expect(preparing).rejects.toMatchObject({ code: "LK5003", message: expect.stringContaining(message) });
  });
});
