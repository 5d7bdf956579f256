/** moto neither encrypts nor checks who may read; test/cloud covers what AWS answers when it refuses. */

import {
  CreateSecretCommand,
  DescribeSecretCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { describe, expect, test } from "vitest";
import { secretsManager } from "../../src/cloud/aws/secrets-manager.ts";
import { credentials } from "../../src/core/credentials.ts";
import { expectRefusal, sealed, secretContract } from "../stores/secret-contract.ts";
import { freshClients } from "./moto.ts";

const LAB = "0198c0de-0000-7000-8000-000000000001";
const KEY = `labs/${LAB}`;

const place = async (recoveryDays: number) => {
  const clients = freshClients();
  const open = () => secretsManager({ clients, account: "lab", region: null, kmsKeyId: "alias/labs", recoveryDays });
  const sm = await clients.client("secrets", "lab", null);
  const describeSecret = () => sm.send(new DescribeSecretCommand({ SecretId: `labkeeper/${KEY}` }));
  return { clients, sm, open, describeSecret, [Symbol.asyncDispose]: async () => clients.close() };
};

secretContract("Secrets Manager, with a recovery window", () => place(7));
secretContract("Secrets Manager, without one", () => place(0));

describe("a lab's secret", () => {
  test("is named and tagged by the lab's id, and encrypted with the key that was set", async () => {
    await using it = await place(7);
    await it.open().put(KEY, sealed);
    expect(await it.describeSecret()).toMatchObject({
      Name: `labkeeper/labs/${LAB}`,
      KmsKeyId: "alias/labs",
      Tags: [{ Key: "labkeeper.dev/secret-of", Value: LAB }],
    });
  });

  test("gets a new version when it is put again, and keeps the one before for AWS's own way back", async () => {
    await using it = await place(7);
    await it.open().put(KEY, sealed);
    await it.open().put(KEY, credentials({ password: "second" }));
    const { Versions = [] } = await it.sm.send(new ListSecretVersionIdsCommand({ SecretId: `labkeeper/${KEY}` }));
    expect(Versions.flatMap(({ VersionStages }) => VersionStages ?? []).sort()).toEqual(["AWSCURRENT", "AWSPREVIOUS"]);
  });

  test("waits out its recovery window, and is had back when it is put again", async () => {
    await using it = await place(30);
    await it.open().put(KEY, sealed);
    await it.open().remove(KEY);
    const { DeletedDate } = await it.describeSecret();
    expect(((DeletedDate?.getTime() ?? 0) - Date.now()) / 86_400_000).toBeCloseTo(30, 0);
    await it.open().remove(KEY);
    expect(await it.open().get(KEY)).toBeNull();
    await it.open().put(KEY, credentials({ password: "again" }));
    expect((await it.describeSecret()).DeletedDate).toBeUndefined();
    expect((await it.open().get(KEY))?.names).toEqual(["password"]);
  });

  test("is gone at once without a recovery window", async () => {
    await using it = await place(0);
    await it.open().put(KEY, sealed);
    await it.open().remove(KEY);
    await expect(it.describeSecret()).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test.each(["not json canary", "[]", '"canary"', '{"password": {"a": "canary"}}', "null"])(
    "that somebody else wrote is refused and not quoted: %s",
    async (SecretString) => {
      await using it = await place(7);
      await it.sm.send(new CreateSecretCommand({ Name: `labkeeper/${KEY}`, SecretString }));
      await expectRefusal(it.open().get(KEY), "LK6107");
      const SecretBinary = Buffer.from("canary");
      await it.sm.send(new PutSecretValueCommand({ SecretId: `labkeeper/${KEY}`, SecretBinary }));
      await expectRefusal(it.open().get(KEY), "LK6107");
    },
  );

  test("that is too large is refused before it is sent", async () => {
    await using it = await place(7);
    const large = credentials({ kubeconfig: "canary".repeat(11_000) });
    await expectRefusal(it.open().put(KEY, large), "LK6002");
    expect(await it.open().get(KEY)).toBeNull();
  });
});

test.each([1, 6, 31, 7.5, -1, Number.NaN])("a recovery window of %d days is refused", (recoveryDays) => {
  const clients = freshClients();
  expect(() => secretsManager({ clients, account: "lab", region: null, kmsKeyId: null, recoveryDays })).toThrow(
    expect.objectContaining({ code: "LK7001" }),
  );
});
