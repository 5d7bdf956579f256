import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { afterEach, describe, expect, test, vi } from "vitest";
import { awsClients } from "../../src/cloud/aws/clients.ts";
import { freshAccount, freshClients, roleOf } from "./moto.ts";

afterEach(() => vi.unstubAllEnvs());

describe("clients", () => {
  test("are those of the account's role, or of the default credentials", async () => {
    using clients = freshClients();
    const own = await clients.client("sts", "lab", null);
    const identity = await own.send(new GetCallerIdentityCommand({}));
    expect(identity.Account).toBe(clients.accountId);
    expect(identity.Arn).toContain("assumed-role/labkeeper/labkeeper");
    const other = await (await clients.client("sts", null, null)).send(new GetCallerIdentityCommand({}));
    expect(other.Account).not.toBe(clients.accountId);
  });

  test("are made once for an account, region and service", async () => {
    using clients = freshClients("eu-west-1");
    const [one, same, elsewhere, other] = await Promise.all([
      clients.client("s3", "lab", null),
      clients.client("s3", "lab", "eu-west-1"),
      clients.client("s3", "lab", "us-west-2"),
      clients.client("s3", null, "eu-west-1"),
    ]);
    expect(one).toBe(same);
    expect(new Set([one, elsewhere, other]).size).toBe(3);
    expect(await Promise.all([one, elsewhere].map(({ config }) => config.region()))).toEqual([
      "eu-west-1",
      "us-west-2",
    ]);
  });

  test("share one session of a role", async () => {
    using clients = freshClients();
    const credentials = clients.credentials("lab");
    const [first, second] = await Promise.all([credentials(), clients.credentials("lab")()]);
    expect(first).toBe(second);
    expect((first.expiration?.getTime() ?? 0) - Date.now()).toBeGreaterThan(50 * 60_000);
    expect(first.sessionToken).toBeTruthy();
  });

  test("of an account nobody configured are refused, whatever its name", async () => {
    using clients = freshClients();
    for (const name of ["other", "", "toString", "__proto__"]) {
      await expect(clients.client("s3", name, null)).rejects.toMatchObject({ code: "LK7001" });
      expect(() => clients.credentials(name)).toThrow(expect.objectContaining({ code: "LK7001" }));
    }
  });

  test("need a region from somewhere, and find it once it is there", async () => {
    vi.stubEnv("AWS_REGION", "");
    const clients = awsClients({ accounts: {}, version: "test" });
    await expect(clients.client("s3", null, null)).rejects.toMatchObject({
      code: "LK7001",
      remedy: expect.stringContaining("AWS_REGION"),
    });
    vi.stubEnv("AWS_REGION", "eu-central-1");
    expect(await (await clients.client("s3", null, null)).config.region()).toBe("eu-central-1");
    clients.close();
  });

  test("without credentials say so, and try again", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
    const account = freshAccount();
    const clients = awsClients({ accounts: { lab: { roleArn: roleOf(account) } }, version: "test" });
    for (const name of [null, "lab"]) {
      await expect(clients.credentials(name)()).rejects.toMatchObject({ code: "LK6108", disposition: "retry" });
    }
    vi.stubEnv("AWS_ACCESS_KEY_ID", "testing");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "testing");
    expect((await clients.credentials(null)()).accessKeyId).toBe("testing");
    clients.close();
  });
});
