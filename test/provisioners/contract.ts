/** The life cycle that every provisioner must keep, told as the state of the world before and after. */

import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { credentials, revealAll } from "../../src/core/credentials.ts";
import type { JsonObject } from "../../src/core/types.ts";
import { LabkeeperError } from "../../src/errors.ts";
import type { LabOrder, Provisioner, ProvisionerContext } from "../../src/ports.ts";
import { hearing, labOrder, type OrderChanges, temporaryFolder } from "./lab-order.ts";

export interface ContractSubject extends AsyncDisposable {
  readonly provisioner: Provisioner;
  /** Names of all labs that exist in this provisioner's world, found without asking the provisioner. */
  things(): Promise<readonly string[]>;
  /** False where a lab's size is decided for good when it is made: then another one is refused. */
  readonly resizes?: boolean;
  /** Turns the suite's order into one that the provisioner can serve. */
  readonly order?: (changes: OrderChanges) => LabOrder;
}

interface Scene extends AsyncDisposable {
  readonly subject: ContractSubject;
  readonly lab: LabOrder;
  readonly context: ProvisionerContext;
  /** The context of another lab. */
  contextFor(lab: LabOrder): Promise<ProvisionerContext>;
  order(changes: OrderChanges): LabOrder;
}

export function provisionerContract(name: string, setUp: () => Promise<ContractSubject>): void {
  const scene = async (): Promise<Scene> => {
    const folder = await temporaryFolder();
    const subject = await setUp();
    const order = subject.order ?? labOrder;
    const contextFor = async (lab: LabOrder): Promise<ProvisionerContext> => {
      const workdir = join(folder.path, lab.id);
      await mkdir(workdir, { recursive: true });
      return hearing(workdir);
    };
    const lab = order({ id: randomUUID() });
    const made: { lab: LabOrder; intent: JsonObject; context: ProvisionerContext }[] = [];
    /** A world with real servers in it has to be left as it was found, whatever the test came to. */
    const provisioner: Provisioner = {
      ...subject.provisioner,
      prepare: async (wanted, context) => {
        const intent = await subject.provisioner.prepare(wanted, context);
        made.push({ lab: wanted, intent, context });
        return intent;
      },
    };
    return {
      subject: { ...subject, provisioner },
      lab,
      context: await contextFor(lab),
      contextFor,
      order,
      [Symbol.asyncDispose]: async () => {
        for (const each of made) await subject.provisioner.destroy(each.lab, each.intent, each.context);
        await subject[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  };

  describe(`${name} keeps the provisioner contract`, () => {
    test("prepare creates nothing", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      expect(Object.keys(intent)).not.toEqual([]);
      expect(await things()).toEqual([]);
      expect(await provisioner.observe(it.lab, intent, it.context)).toMatchObject({ verdict: "absent" });
    });

    test("install twice makes one lab, which answers with the credentials given last", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      await provisioner.install(it.lab, intent, it.context);
      const again = await provisioner.install(it.lab, intent, it.context);
      expect(await things()).toHaveLength(1);
      await provisioner.verify(it.lab, intent, again.credentials, it.context);
      expect(await provisioner.observe(it.lab, intent, it.context)).toMatchObject({ verdict: "present" });
    });

    test("outputs show no secret, and verify refuses another one", async () => {
      await using it = await scene();
      const { provisioner } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      const { outputs, credentials: made } = await provisioner.install(it.lab, intent, it.context);
      const secrets = Object.entries(revealAll(made)).filter(([key]) => SECRET.test(key));
      expect(secrets).not.toEqual([]);
      for (const [, value] of secrets) expect(JSON.stringify(outputs)).not.toContain(value);
      const spoiled = Object.entries(revealAll(made)).map(([key, value]) => [key, spoil(key, value)]);
      const verifying = provisioner.verify(it.lab, intent, credentials(Object.fromEntries(spoiled)), it.context);
      await expect(verifying).rejects.toBeInstanceOf(LabkeeperError);
    });

    test("update changes the lab in place, or refuses to", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      const { credentials: made } = await provisioner.install(it.lab, intent, it.context);
      const before = await things();
      const changed = it.order({
        id: it.lab.id,
        spec: { workers: it.lab.spec.workers + 1, tags: { purpose: "demo" } },
      });
      if (it.subject.resizes === false) {
        await expect(provisioner.update(changed, intent, it.context)).rejects.toMatchObject({ disposition: "stop" });
      } else {
        await provisioner.update(changed, intent, it.context);
        await provisioner.update(changed, intent, it.context);
      }
      expect(await things()).toEqual(before);
      await provisioner.verify(changed, intent, made, it.context);
    });

    test("destroy twice leaves nothing, and only of its own lab", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const other = it.order({ id: randomUUID(), name: "team-a-test-02" });
      const otherContext = await it.contextFor(other);
      const intent = await provisioner.prepare(it.lab, it.context);
      const otherIntent = await provisioner.prepare(other, otherContext);
      await provisioner.install(it.lab, intent, it.context);
      const kept = await provisioner.install(other, otherIntent, otherContext);
      expect(await things()).toHaveLength(2);

      await provisioner.destroy(it.lab, intent, it.context);
      await provisioner.destroy(it.lab, intent, it.context);
      expect(await provisioner.observe(it.lab, intent, it.context)).toMatchObject({ verdict: "absent" });
      await provisioner.verify(other, otherIntent, kept.credentials, otherContext);
      expect(await things()).toHaveLength(1);

      await provisioner.destroy(other, otherIntent, otherContext);
      expect(await things()).toEqual([]);
    });

    test("destroy works from the intent alone, on a host that never saw the lab", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      await provisioner.install(it.lab, intent, it.context);
      await using elsewhere = await temporaryFolder();
      const context = hearing(join(elsewhere.path, "never-made"));
      await provisioner.destroy(it.lab, JSON.parse(JSON.stringify(intent)), context);
      expect(await things()).toEqual([]);
      expect(await provisioner.observe(it.lab, intent, context)).toMatchObject({ verdict: "absent" });
    });

    test("nothing starts once the signal is aborted, and observing then is unknown", async () => {
      await using it = await scene();
      const { provisioner, things } = it.subject;
      const intent = await provisioner.prepare(it.lab, it.context);
      const stopped = hearing(it.context.workdir, AbortSignal.abort());
      await expect(provisioner.install(it.lab, intent, stopped)).rejects.toMatchObject({ code: "LK5009" });
      expect(await provisioner.observe(it.lab, intent, stopped)).toMatchObject({ verdict: "unknown" });
      await provisioner.destroy(it.lab, intent, it.context);
      expect(await things()).toEqual([]);
    });
  });
}

const SECRET = /pass|secret|token|key|kubeconfig/i;

const spoil = (key: string, value: string): string => (SECRET.test(key) ? `${value.slice(0, -6)}spoilt` : value);
