/**
 * Records carry no tags: those of labs that are gone are found by the exact names of clusters that once were, and nothing
 * that only looks like one. moto keeps records as they are given, so a wildcard comes back as `*`; AWS writes `\052`, which
 * the last look of this file is given by a server in front of moto.
 */

import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
} from "@aws-sdk/client-route-53";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { awsAccount } from "../../src/cloud/aws/account.ts";
import { type AwsClients, awsClients } from "../../src/cloud/aws/clients.ts";
import type { AccountSetting } from "../../src/cloud/aws/identity.ts";
import { awsInventory } from "../../src/cloud/aws/inventory.ts";
import type { CloudTarget, KnownCluster, KnownLab } from "../../src/cloud-ports.ts";
import { orphansAmong } from "../../src/core/orphans.ts";
import { labOrder } from "../provisioners/lab-order.ts";
import { emptyWorld, record, type World } from "./fake-cluster.ts";
import { refusal, through } from "./front.ts";
import { freshAccount, freshClients, REGION, roleOf, uniqueName } from "./moto.ts";

const lab: AccountSetting[] = [{ name: "lab", id: null }];
const labId = (n: number): string => `0198c0de-0000-7000-8000-00000000000${n}`;

const known = (n: number, name: string, infraId: string, live: boolean): KnownLab => ({
  id: labId(n),
  name,
  live,
  infraId,
  cluster: { account: "lab", clusterName: name, baseDomain: "labs.example.com" },
});
const clustersOf = (labs: readonly KnownLab[]): KnownCluster[] =>
  labs.flatMap(({ id, infraId, cluster }) =>
    infraId === null || cluster === null ? [] : [{ ...cluster, infraId, labId: id }],
  );
const balancer = (infraId: string): string => `${infraId}-ext-0a1b2c3d4e5f.elb.${REGION}.amazonaws.com`;

describe("records in a base domain's zone", () => {
  const clients = freshClients();
  const inventory = awsInventory({ clients, accounts: lab, regions: [REGION] });
  const account = awsAccount({ clients, accounts: lab, region: REGION });
  let world: World;
  const make = (name: string, target?: string) => record(world, world.zoneId, `${name}.labs.example.com`, target);
  const orphans = async (labs: readonly KnownLab[], from = inventory) => {
    const { resources, unseen } = await from.sweep(undefined, clustersOf(labs));
    expect(unseen).toEqual([]);
    return orphansAmong(resources, labs, new Date());
  };
  beforeAll(async () => {
    world = await emptyWorld(clients);
  });
  afterAll(() => clients[Symbol.dispose]());

  test("are orphans when they have exactly the names of a cluster that is gone", async () => {
    const labs = [known(1, "gone", "gone-x7k2p", false), known(2, "here", "here-b4c5d", true)];
    const left = [
      await make("api.gone", balancer("gone-x7k2p")),
      await make("api-int.gone"),
      await make("*.apps.gone"),
    ];
    const others = [
      await make("api.here", balancer("here-b4c5d")),
      await make("*.apps.here"),
      await make("api.gone2"),
      await make("api.gone.extra"),
      await make("x.api.gone"),
      await make("www.apps.gone"),
      await make("gone"),
      await make("api.nobody"),
    ];
    const found = await orphans(labs);
    expect(found.map(({ resource }) => resource.id).sort()).toEqual(left.map(({ id }) => id).sort());
    expect(found[0]).toMatchObject({
      why: "lab is destroyed",
      lab: "gone",
      ageHours: null,
      dailyCost: 0,
      resource: { type: "route53:record", account: "lab", region: "global", infraId: "gone-x7k2p", labId: labId(1) },
    });
    // Without clusters to compare with there is nothing to say about any of them.
    expect((await inventory.sweep()).resources).toEqual([]);
    // Removed one by one, and nothing beside them.
    for (const { resource } of found) await account.destroyResource({ ...resource, createdAt: null });
    expect(await orphans(labs)).toEqual([]);
    for (const { remove } of others) await remove();
  });

  test("belong to whoever lives under the name now, and to whom their load balancer says", async () => {
    const gone = known(1, "again", "again-x7k2p", false);
    const alive = known(2, "again", "again-b4c5d", true);
    const begun = { ...known(3, "again", "", true), infraId: null, cluster: null };
    const records = [await make("api.again", balancer("again-x7k2p")), await make("*.apps.again")];
    expect(await orphans([gone])).toHaveLength(2);
    // It has no cluster yet, so none of this can be its own.
    expect(await orphans([gone, begun])).toHaveLength(2);
    // It was made with these names, so nothing may take them from it.
    expect(await orphans([gone, alive])).toEqual([]);
    const [first] = await orphans([gone, known(2, "again", "again-b4c5d", false)]);
    expect(first?.resource).toMatchObject({ infraId: "again-x7k2p", labId: labId(1) });
    // Somebody else's cluster, of which nobody here knows.
    expect(await orphans([known(4, "again", "again-zzzzz", false)])).toEqual([]);
    for (const { remove } of records) await remove();
  });

  test("are not removed once they lead to another cluster", async () => {
    const labs = [known(1, "moved", "moved-x7k2p", false)];
    const before = await make("api.moved", balancer("moved-x7k2p"));
    const [found] = await orphans(labs);
    if (found === undefined) throw new Error("an orphan");
    await before.remove();
    const after = await make("api.moved", balancer("moved-b4c5d"));
    await expect(account.destroyResource({ ...found.resource, createdAt: null })).rejects.toMatchObject({
      code: "LK5307",
      message: expect.stringContaining("moved-b4c5d"),
    });
    await after.remove();
  });

  test.each([
    ["an address of its own", "203.0.113.7"],
    ["another cloud", undefined],
  ])("are a namesake's somewhere else, when its API has %s: never seen, never removed", async (what, target) => {
    const name = `moved-${what.length}`;
    const lab = known(1, name, `${name}-x7k2p`, false);
    const api = await make(`api.${name}`, target ?? "198.51.100.4");
    const apps = await make(`*.apps.${name}`, target);
    expect(await orphans([lab])).toEqual([]);
    const cluster = { account: "lab", infraId: `${name}-x7k2p`, labId: labId(1), clusterName: name };
    const wanted = { ...cluster, baseDomain: "labs.example.com", region: REGION, regions: [REGION] };
    expect(await account.removeDnsRecords(wanted)).toEqual([]);
    expect(await inventory.observe(wanted)).toMatchObject({ verdict: "absent" });
    const approved = { type: "route53:record", account: "lab", region: "global", dailyCost: 0, createdAt: null };
    await expect(
      account.destroyResource({ ...approved, id: api.id, infraId: `${name}-x7k2p`, labId: labId(1) }),
    ).rejects.toMatchObject({ code: "LK5307" });
    for (const { remove } of [api, apps]) await remove();
  });

  test("are read to the last page", async () => {
    const route53 = await clients.client("route53", "lab", REGION);
    const change = (Action: "CREATE" | "DELETE") =>
      route53.send(
        new ChangeResourceRecordSetsCommand({
          HostedZoneId: world.zoneId,
          ChangeBatch: {
            Changes: Array.from({ length: 400 }, (_, n) => ({
              Action,
              ResourceRecordSet: {
                Name: `a${n}.labs.example.com`,
                Type: "A" as const,
                TTL: 60,
                ResourceRecords: [{ Value: "203.0.113.7" }],
              },
            })),
          },
        }),
      );
    await change("CREATE");
    const page = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: world.zoneId }));
    expect(page.IsTruncated).toBe(true);
    const last = await make("api.zzz", balancer("zzz-x7k2p"));
    expect((await orphans([known(1, "zzz", "zzz-x7k2p", false)])).map(({ resource }) => resource.id)).toEqual([
      last.id,
    ]);
    await last.remove();
    await change("DELETE");
  });

  test("that cannot be read are told, and nothing of them is gone", async () => {
    const there = await make("api.dark", balancer("dark-x7k2p"));
    const labs = [known(1, "dark", "dark-x7k2p", false)];
    const blind = await through(
      clients.accountId,
      ({ service, action }) =>
        service === "route53" && action.endsWith("/rrset") ? refusal("route53", "AccessDenied") : null,
      (own) => awsInventory({ clients: own, accounts: lab, regions: [REGION] }).sweep(undefined, clustersOf(labs)),
    );
    expect(blind).toMatchObject({ resources: [], unseen: [{ scope: "lab/global" }] });
    const elsewhere = clustersOf(labs).map((cluster) => ({ ...cluster, account: "other" }));
    expect((await inventory.sweep(undefined, elsewhere)).unseen).toMatchObject([{ scope: "other/global" }]);
    await there.remove();
  });

  test("of an account that is not swept are not looked at", async () => {
    const there = await make("api.quiet", balancer("quiet-x7k2p"));
    const accounts = [
      { name: null, id: null },
      { name: "lab", id: null, regions: [] },
    ];
    const quiet = awsInventory({ clients, accounts, regions: [REGION] });
    const { resources } = await quiet.sweep(undefined, clustersOf([known(1, "quiet", "quiet-x7k2p", false)]));
    expect(resources.filter(({ type }) => type === "route53:record")).toEqual([]);
    await there.remove();
  });

  test("with a wildcard as AWS writes it", async () => {
    const labs = [known(1, "wild", "wild-x7k2p", false)];
    const body = `<?xml version="1.0"?><ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets><ResourceRecordSet><Name>\\052.apps.wild.labs.example.com.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z35SXDOTRQ7X7K</HostedZoneId><DNSName>dualstack.a1b2.us-east-1.elb.amazonaws.com.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>`;
    const { resources } = await through(
      clients.accountId,
      ({ service, action }) =>
        service === "route53" && action.endsWith("/rrset") ? { status: 200, type: "text/xml", body } : null,
      (own) => awsInventory({ clients: own, accounts: lab, regions: [REGION] }).sweep(undefined, clustersOf(labs)),
    );
    expect(resources.map(({ id }) => id)).toEqual([
      `arn:aws:route53:::hostedzone/${world.zoneId}/A/*.apps.wild.labs.example.com`,
    ]);
  });
});

describe("a base domain whose zone is in another account", () => {
  const [labAccount, network] = [freshAccount(), freshAccount()];
  const clients: AwsClients = awsClients({
    accounts: {
      lab: { roleArn: roleOf(labAccount), region: REGION },
      network: { roleArn: roleOf(network), region: REGION },
    },
    version: "test",
    pathStyle: true,
  });
  const settings = (dnsAccount?: string, id: string | null = network): AccountSetting[] => [
    { name: "lab", id: labAccount, ...(dnsAccount === undefined ? {} : { dnsAccount }) },
    { name: "network", id },
  ];
  const inventoryOf = (accounts: AccountSetting[]) => awsInventory({ clients, accounts, regions: [REGION] });
  const accountOf = (accounts: AccountSetting[]) => awsAccount({ clients, accounts, region: REGION });
  const baseDomain = `${uniqueName("net")}.example.com`;
  const target: CloudTarget = {
    account: "lab",
    region: REGION,
    regions: [REGION],
    infraId: "far-x7k2p",
    labId: labId(1),
    clusterName: "far",
    baseDomain,
  };
  let world: World;
  beforeAll(async () => {
    const route53 = await clients.client("route53", "network", REGION);
    const { HostedZone } = await route53.send(
      new CreateHostedZoneCommand({ Name: baseDomain, CallerReference: uniqueName("zone") }),
    );
    // `record` works in the account that it calls lab.
    const inNetwork: World["clients"] = {
      client: (service, _account, region) => clients.client(service, "network", region),
    };
    const zoneId = (HostedZone?.Id ?? "").replace("/hostedzone/", "");
    world = { clients: inNetwork, accountId: network, zoneId, subnetId: "", vpcId: "" };
  });
  afterAll(() => clients.close());

  test("makes a look unknown that nobody told of it, and says what to do", async () => {
    const seen = await inventoryOf(settings()).observe(target);
    expect(seen).toMatchObject({ verdict: "unknown", reason: expect.stringMatching(/no zone for .*dnsAccount/) });
  });

  test("is looked into where the configuration says", async () => {
    const inventory = inventoryOf(settings("network"));
    expect(await inventory.observe(target)).toMatchObject({ verdict: "absent" });
    const there = await record(world, world.zoneId, `api.far.${baseDomain}`, balancer("far-x7k2p"));
    expect(await inventory.observe(target)).toMatchObject({
      verdict: "present",
      evidence: [expect.any(String), there.id],
    });
    expect(await accountOf(settings("network")).removeDnsRecords(target)).toEqual([there.id]);
    expect(await inventory.observe(target)).toMatchObject({ verdict: "absent" });
  });

  test("must be in the account that the configuration says", async () => {
    const wrong = settings("network", "123456789012");
    expect(await inventoryOf(wrong).observe(target)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining(network),
    });
    await expect(accountOf(wrong).removeDnsRecords(target)).rejects.toMatchObject({ code: "LK5302" });
    expect(await inventoryOf(settings("nowhere")).observe(target)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("nowhere"),
    });
  });

  test("is where preflight looks for names that are taken", async () => {
    const order = labOrder({
      name: "far",
      spec: { platform: "aws", provisioner: "openshift", baseDomain, region: REGION },
      platformConfig: { aws: { account: "lab" } },
    });
    const manual = {
      ...order,
      profile: { ...order.profile, spec: { ...order.profile.spec, credentialsMode: "Manual" as const } },
    };
    await expect(accountOf(settings()).preflight(manual)).rejects.toMatchObject({
      code: "LK5303",
      message: expect.stringContaining("dnsAccount"),
    });
    const there = await record(world, world.zoneId, `*.apps.far.${baseDomain}`);
    await expect(accountOf(settings("network")).preflight(manual)).rejects.toMatchObject({ code: "LK5304" });
    await there.remove();
  });

  test("has its orphans under its own name, and they are removed there", async () => {
    // moto takes no record a second time that is exactly like one it once had, so this is another cluster's.
    const there = await record(world, world.zoneId, `api.far.${baseDomain}`, balancer("far-b4c5d"));
    const clusters = [{ account: "lab", infraId: "far-b4c5d", labId: labId(1), clusterName: "far", baseDomain }];
    const accounts = settings("network");
    const { resources, unseen } = await inventoryOf(accounts).sweep(undefined, clusters);
    expect(unseen).toEqual([]);
    expect(resources).toMatchObject([{ id: there.id, account: "network", region: "global" }]);
    for (const resource of resources) await accountOf(accounts).destroyResource(resource);
    expect((await inventoryOf(accounts).sweep(undefined, clusters)).resources).toEqual([]);
    const refused = await inventoryOf(settings("network", "123456789012")).sweep(undefined, clusters);
    expect(refused.unseen.map(({ scope }) => scope)).toContain("network/global");
  });
});
