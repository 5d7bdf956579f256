import { describe, expect, test } from "vitest";
import { expectPromises } from "../../simulate/invariants.ts";
import { simulation } from "../../simulate/simulation.ts";
import { take, write } from "../../simulate/steps.ts";
import { createDatabase } from "../database.ts";
import { catalogFile, labText } from "../promises/files.ts";

describe("the promises, looked at from outside", () => {
  const ready = async () => {
    const sim = await simulation(1, createDatabase, false);
    write(sim, "ash", { spec: { workers: 1 } });
    await take(sim, { do: "reconcile", processes: [[]] });
    await take(sim, { do: "work", processes: [[]] });
    await expectPromises(sim);
    return sim;
  };
  const broken = async (sim: Awaited<ReturnType<typeof ready>>): Promise<string> =>
    expectPromises(sim).then(
      () => "kept",
      (error: { promise: string }) => error.promise,
    );

  test("P2: a cluster that no lab recorded is seen", async () => {
    await using sim = await ready();
    const [cluster] = await sim.cloud.clusters();
    if (!cluster) throw new Error("nothing was made");
    await sim.cloud.write({ ...cluster, infraID: "stray-abcde" });
    expect(await broken(sim)).toBe("P2");
  });

  test("P4: a cluster of a lab that is called destroyed is seen", async () => {
    await using sim = await ready();
    const [cluster] = await sim.cloud.clusters();
    if (!cluster) throw new Error("nothing was made");
    await take(sim, { do: "cancel", lab: "ash", comment: false });
    await take(sim, { do: "work", processes: [[]] });
    expect(await broken(sim)).toBe("kept");
    await sim.cloud.write(cluster);
    expect(await broken(sim)).toBe("P4");
  });

  test("P1: an end that nobody asked for is seen", async () => {
    await using sim = await ready();
    await take(sim, { do: "cancel", lab: "ash", comment: false });
    sim.cancelled.clear();
    expect(await broken(sim)).toBe("P1");
  });

  test("P9: a secret where none may be is seen", async () => {
    const sim = await ready();
    const [lab] = await sim.sql<{ id: string }>("select id from labs");
    const stored = await sim.secrets.get(`labs/${lab?.id}`);
    sim.said.push({ oops: stored?.reveal("kubeadmin-password") });
    await expect(sim[Symbol.asyncDispose]()).rejects.toThrow("secrets are where none may be");
  });

  test("a worker that dies at any of its calls loses nothing", async () => {
    await using sim = await simulation(2, createDatabase, false);
    sim.commitPolicy(catalogFile());
    for (let at = 1; at <= 14; at++) {
      sim.model.commit({ "labs/team-a/ash.yaml": { text: labText("ash", { spec: { workers: at % 5 } }), change: {} } });
      await take(sim, { do: "reconcile", processes: [[]] });
      await take(sim, { do: "work", processes: [[{ kind: at % 2 === 0 ? "crash-before" : "crash-after", at }]] });
      await expectPromises(sim);
    }
    expect((await sim.cloud.clusters()).map(({ name, workers }) => ({ name, workers }))).toEqual([
      { name: "ash", workers: 14 % 5 },
    ]);
  });
});
