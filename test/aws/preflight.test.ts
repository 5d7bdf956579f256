/** moto knows no quotas of these services: a server in front of it answers for Service Quotas. */

import { AllocateAddressCommand } from "@aws-sdk/client-ec2";
import { CreateHostedZoneCommand } from "@aws-sdk/client-route-53";
import { beforeAll, describe, expect, test } from "vitest";
import { awsAccount } from "../../src/cloud/aws/account.ts";
import type { ProfileSpec } from "../../src/core/types.ts";
import type { LabOrder, ResourceNeed } from "../../src/ports.ts";
import { labOrder } from "../provisioners/lab-order.ts";
import { emptyWorld, LEFTOVERS, record, type World } from "./fake-cluster.ts";
import { type Fault, jsonError, refusal, through } from "./front.ts";
import { freshClients, REGION, uniqueName } from "./moto.ts";

const LIMITS: Readonly<Record<string, number>> = {
  "L-1216C47A": 64,
  "L-0263D0A3": 20,
  "L-F678F1CE": 5,
  "L-69A177A2": 50,
};

/** Applied values for some codes, AWS's defaults for the others. */
const quotas =
  (limits: Readonly<Record<string, number>> = LIMITS, applied: readonly string[] = ["L-1216C47A"]): Fault =>
  ({ service, action, body }) => {
    if (service !== "servicequotas") return null;
    const { QuotaCode } = JSON.parse(body) as { QuotaCode: string };
    if (action === "GetServiceQuota" && !applied.includes(QuotaCode)) return jsonError("NoSuchResourceException");
    return {
      status: 200,
      type: "application/x-amz-json-1.1",
      body: JSON.stringify({ Quota: { Value: limits[QuotaCode] } }),
    };
  };

const aws: Pick<ProfileSpec, "platform" | "compute" | "credentialsMode"> = {
  platform: "aws",
  credentialsMode: "Manual",
  compute: {
    controlPlane: { replicas: 3, instanceType: "m6i.xlarge", schedulable: false },
    workers: { replicas: 2, minReplicas: 0, maxReplicas: 9, instanceType: "m6i.2xlarge" },
  },
};

function order(changes: Partial<ProfileSpec> = {}, spec: Partial<LabOrder["spec"]> = {}, name = "demo"): LabOrder {
  const made = labOrder({ name, spec: { platform: "aws", provisioner: "openshift", ...spec } });
  const platformConfig = {
    ...changes.platformConfig,
    aws: { account: "lab", ...(changes.platformConfig?.["aws"] as object) },
  };
  return { ...made, profile: { ...made.profile, spec: { ...made.profile.spec, ...aws, ...changes, platformConfig } } };
}

const clients = freshClients();
let world: World;
beforeAll(async () => {
  world = await emptyWorld(clients);
});

const preflight = (lab: LabOrder, fault: Fault = quotas(), id: string | null = null, accountId = clients.accountId) =>
  through(accountId, fault, async (own) => {
    const account = awsAccount({
      clients: own,
      accounts: [
        { name: null, id: null },
        { name: "lab", id },
      ],
      region: REGION,
    });
    return await account.preflight(lab);
  });

const needed = (needs: readonly ResourceNeed[]): Record<string, number> =>
  Object.fromEntries(needs.map(({ resource, need }) => [resource, need]));

describe("preflight", () => {
  test("answers what a lab takes, what may be had and what is in use", async () => {
    const own = freshClients();
    const fresh = await emptyWorld(own);
    await LEFTOVERS["instance"]!(fresh, { infraId: "x-x7k2p", labId: "", clusterName: "x", baseDomain: "y.z" });
    const ec2 = await own.client("ec2", "lab", REGION);
    await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    const needs = await preflight(order(), quotas(), own.accountId, own.accountId);
    const zones = needs.find(({ resource }) => resource === "Elastic IPs")?.need ?? 0;
    expect(zones).toBeGreaterThanOrEqual(3);
    const scope = `aws/${own.accountId}/${REGION}`;
    expect(needs).toEqual([
      // Three and the bootstrap machine of 4, two workers of 8; moto's instance counts.
      { scope, resource: "vCPUs of on-demand standard instances", need: 32, limit: 64, used: expect.any(Number) },
      { scope, resource: "Elastic IPs", need: zones, limit: 20, used: 1 },
      { scope, resource: "VPCs", need: 1, limit: 5, used: 2 },
      { scope, resource: "network load balancers", need: 2, limit: 50, used: 0 },
    ]);
    expect(needs[0]?.used).toBeGreaterThanOrEqual(1);
    own[Symbol.dispose]();
  });

  test("counts what the lab is like", async () => {
    const inVpc = { aws: { subnets: ["subnet-1", "subnet-2"], zones: [`${REGION}a`], lbType: "NLB" } };
    expect(
      needed(await preflight(order({ platformConfig: inVpc, features: { privateCluster: true } }, { workers: 0 }))),
    ).toEqual({
      "vCPUs of on-demand standard instances": 16,
      "network load balancers": 2,
    });
    const zoned = needed(await preflight(order({ platformConfig: { aws: { zones: [`${REGION}a`, `${REGION}b`] } } })));
    expect(zoned["Elastic IPs"]).toBe(2);
  });

  test.each([
    ["no zone", { baseDomain: "labs.example.org" }, "LK5303", "labs.example.org"],
    ["no region", { region: null }, "LK5301", "region"],
    ["no base domain", { baseDomain: null }, "LK5301", "base domain"],
  ] as const)("refuses a lab with %s", async (_, spec, code, text) => {
    await expect(preflight(order({}, spec))).rejects.toMatchObject({
      code,
      disposition: "stop",
      message: expect.stringContaining(text),
    });
  });

  test.each(["api.NAME.labs.example.com", "*.apps.NAME.labs.example.com"])(
    "refuses a name that has %s",
    async (pattern) => {
      const name = uniqueName("taken");
      const there = await record(world, world.zoneId, pattern.replace("NAME", name));
      await expect(preflight(order({}, {}, name))).rejects.toMatchObject({
        code: "LK5304",
        message: expect.stringContaining(pattern.replace("NAME", name)),
      });
      await there.remove();
      await preflight(order({}, {}, name));
    },
  );

  test("takes a private zone for a private cluster alone", async () => {
    const route53 = await clients.client("route53", "lab", REGION);
    const Name = `${uniqueName("private")}.example.com`;
    await route53.send(
      new CreateHostedZoneCommand({
        Name,
        CallerReference: Name,
        HostedZoneConfig: { PrivateZone: true, Comment: "private" },
        VPC: { VPCId: world.vpcId, VPCRegion: REGION },
      }),
    );
    await expect(preflight(order({}, { baseDomain: Name }))).rejects.toMatchObject({ code: "LK5303" });
    await preflight(order({ features: { privateCluster: true } }, { baseDomain: Name }));
  });

  test.each([
    [{ instanceType: "m6i.huge" }, {}, "m6i.huge"],
    [{}, { zones: [`${REGION}z`] }, `${REGION}z`],
  ])("refuses %j with %j", async (controlPlane, settings, text) => {
    const compute = { ...aws.compute, controlPlane: { ...aws.compute.controlPlane, ...controlPlane } };
    await expect(preflight(order({ compute, platformConfig: { aws: settings } }))).rejects.toMatchObject({
      code: "LK5305",
      message: expect.stringContaining(text),
    });
  });

  test("refuses a type that one zone alone has", async () => {
    const quota = quotas();
    const fault: Fault = (asked) =>
      asked.action === "DescribeInstanceTypeOfferings"
        ? {
            status: 200,
            type: "text/xml",
            body: `<R><instanceTypeOfferingSet>${["m6i.xlarge", "m6i.2xlarge"]
              .map((type) => `<item><instanceType>${type}</instanceType><location>${REGION}a</location></item>`)
              .join("")}</instanceTypeOfferingSet></R>`,
          }
        : quota(asked);
    await expect(preflight(order(), fault)).rejects.toMatchObject({ code: "LK5305" });
    await preflight(order({ platformConfig: { aws: { zones: [`${REGION}a`] } } }), fault);
  });

  test("refuses a lab that never fits, with the quota's code; one that does not fit now is for the store", async () => {
    await expect(preflight(order(), quotas({ ...LIMITS, "L-0263D0A3": 2 }))).rejects.toMatchObject({
      code: "LK5306",
      disposition: "stop",
      message: expect.stringContaining("L-0263D0A3"),
    });
    const [vcpus] = await preflight(order(), quotas({ ...LIMITS, "L-1216C47A": 32 }));
    expect(vcpus).toMatchObject({ need: 32, limit: 32 });
  });

  test.each([
    [
      "Service Quotas refuses",
      (): Fault =>
        ({ service }) =>
          service === "servicequotas" ? jsonError("AccessDeniedException") : null,
      "LK6102",
    ],
    [
      "Service Quotas answers nonsense",
      (): Fault =>
        ({ service }) =>
          service === "servicequotas" ? { status: 200, body: "{}" } : null,
      "LK5309",
    ],
    [
      "EC2 refuses",
      (): Fault => (asked) => (asked.service === "ec2" ? refusal("ec2", "UnauthorizedOperation") : quotas()(asked)),
      "LK6102",
    ],
    [
      "Route 53 refuses",
      (): Fault => (asked) => (asked.service === "route53" ? refusal("route53", "AccessDenied") : quotas()(asked)),
      "LK6102",
    ],
  ] as const)("never takes it for enough when %s", async (_, fault, code) => {
    await expect(preflight(order(), fault())).rejects.toMatchObject({ code, disposition: "retry" });
  });

  test("refuses another account, an unknown one, and temporary credentials for Mint", async () => {
    await expect(preflight(order(), quotas(), "123456789012")).rejects.toMatchObject({
      code: "LK5302",
      disposition: "stop",
    });
    const other = order({ platformConfig: { aws: { account: "other" } } });
    await expect(preflight(other)).rejects.toMatchObject({ code: "LK7001" });
    for (const credentialsMode of ["Mint", "Passthrough"] as const) {
      await expect(preflight(order({ credentialsMode }))).rejects.toMatchObject({
        code: "LK5310",
        disposition: "stop",
      });
    }
  });
});

describe("an account", () => {
  const account = awsAccount({
    clients,
    accounts: [
      { name: null, id: null },
      { name: "lab", id: null },
    ],
    region: REGION,
  });

  test("says who it is", async () => {
    expect(await account.accountId("lab")).toBe(clients.accountId);
    const wrong = awsAccount({ clients, accounts: [{ name: "lab", id: "123456789012" }], region: REGION });
    await expect(wrong.accountId("lab")).rejects.toMatchObject({ code: "LK5302" });
    await expect(account.accountId("other")).rejects.toMatchObject({ code: "LK7001" });
  });

  test("lends a session of its role, and nothing where there is no role", async () => {
    const keys = await account.sessionKeys("lab");
    expect(keys).toMatchObject({ accessKeyId: expect.stringMatching(/^ASIA/), sessionToken: expect.any(String) });
    expect((keys?.expiresAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(50 * 60_000);
    expect(await account.sessionKeys(null)).toBeNull();
    await expect(account.sessionKeys("other")).rejects.toMatchObject({ code: "LK7001" });
  });

  test("removes records of exactly its cluster", async () => {
    const target = {
      account: "lab",
      region: REGION,
      regions: [REGION],
      infraId: "dns-x7k2p",
      labId: "0198c0de-0000-7000-8000-000000000001",
      clusterName: "dns",
      baseDomain: "labs.example.com",
    };
    const cluster = { ...target };
    const own = [
      await LEFTOVERS["record of the API"]!(world, cluster),
      await LEFTOVERS["record of the applications"]!(world, cluster),
      await LEFTOVERS["record of the internal API"]!(world, cluster),
    ];
    const others = [
      "api.dns2.labs.example.com",
      "a.api.dns.labs.example.com",
      "dns.labs.example.com",
      "x.apps.dns.labs.example.com",
    ];
    for (const name of others) await record(world, world.zoneId, name);
    await expect(account.removeDnsRecords({ ...target, clusterName: "*" })).rejects.toMatchObject({ code: "LK5301" });
    await expect(account.removeDnsRecords({ ...target, infraId: "" })).rejects.toMatchObject({ code: "LK5301" });
    await expect(account.removeDnsRecords({ ...target, accountId: "123456789012" })).rejects.toMatchObject({
      code: "LK5302",
    });
    // Made anew under the same name: its records are its own.
    expect(await account.removeDnsRecords({ ...target, infraId: "dns-zzzzz" })).toEqual([]);
    expect((await account.removeDnsRecords(target)).toSorted()).toEqual(own.map(({ id }) => id).toSorted());
    expect(await account.removeDnsRecords(target)).toEqual([]);
    const { ListResourceRecordSetsCommand } = await import("@aws-sdk/client-route-53");
    const route53 = await clients.client("route53", "lab", REGION);
    const left = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: world.zoneId }));
    const names = (left.ResourceRecordSets ?? []).map(({ Name = "" }) => Name.replace(/\.$/, ""));
    for (const name of others) expect(names).toContain(name);
  });
});
