/**
 * moto is not AWS: it checks no permissions, answers at once what AWS answers late (terminated instances and the Tagging
 * API's lag are played by hand below), and its Tagging API knows fewer kinds. What is refused, throttled or broken is told
 * by a server in front of it: see inventory-faults.test.ts.
 */

import { TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateUserCommand } from "@aws-sdk/client-iam";
import { beforeAll, describe, expect, test } from "vitest";
import { awsInventory } from "../../src/cloud/aws/inventory.ts";
import type { CloudTarget } from "../../src/cloud-ports.ts";
import { clusterTag, TAGS } from "../../src/core/ownership.ts";
import {
  bucket,
  type Cluster,
  clusterOf,
  emptyWorld,
  LEFTOVERS,
  type Leftover,
  record,
  role,
  type World,
} from "./fake-cluster.ts";
import { freshClients, REGION } from "./moto.ts";

const own = clusterOf("demo-x7k2p", "0198c0de-0000-7000-8000-000000000001", "demo");
/** Named as the other's infraID, so that everything it has begins like the other's. */
const beside = clusterOf("demo-x7k2p-b4c5d", "0198c0de-0000-7000-8000-000000000002", "demo-x7k2p");

const targetOf = (cluster: Cluster, regions: readonly string[] = [REGION]): CloudTarget => ({
  ...cluster,
  account: "lab",
  region: REGION,
  regions,
});

const inventoryOf = (clients: World["clients"], id: string | null = null) =>
  awsInventory({ clients, accounts: [{ name: "lab", id }], regions: [REGION] });

async function makeAll(world: World, cluster: Cluster): Promise<Leftover[]> {
  const made: Leftover[] = [];
  for (const make of Object.values(LEFTOVERS)) made.push(await make(world, cluster));
  return made;
}

describe("each leftover alone", () => {
  const clients = freshClients();
  let world: World;
  beforeAll(async () => {
    world = await emptyWorld(clients);
  });

  test.each(Object.keys(LEFTOVERS))("%s", async (kind) => {
    const inventory = inventoryOf(clients, clients.accountId);
    const leftover = await LEFTOVERS[kind]!(world, own);
    const seen = await inventory.observe(targetOf(own)).finally(leftover.remove);
    expect(seen).toEqual({
      verdict: "present",
      evidence: [`1 in account ${clients.accountId} (lab)`, leftover.id],
    });
    expect(await inventory.observe(targetOf(own))).toMatchObject({ verdict: "absent" });
  });
});

describe("a whole cluster", () => {
  test("is seen until its last piece is gone, and its neighbour is never taken for it", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const inventory = inventoryOf(clients);
    const others = await makeAll(world, beside);
    // More than one page of roles that are nobody's.
    for (let number = 0; number < 120; number++) await role(world, `aaa-app-${number}`);
    const mine = await makeAll(world, own);

    const seen = await inventory.observe(targetOf(own));
    if (seen.verdict !== "present") throw new Error(JSON.stringify(seen));
    expect(seen.evidence.slice(1).sort()).toEqual(mine.map(({ id }) => id).sort());

    let left = mine.length;
    for (const { remove } of mine.toReversed()) {
      await remove();
      left -= 1;
      if (left % 7 === 1) expect((await inventory.observe(targetOf(own))).verdict).toBe("present");
    }
    const gone = await inventory.observe(targetOf(own));
    if (gone.verdict !== "absent") throw new Error(JSON.stringify(gone));
    expect(gone.evidence).toContain(`account ${clients.accountId} (lab)`);
    expect(gone.evidence.join("\n")).toMatch(/regions us-east-1\n/);
    expect(gone.evidence.join("\n")).toMatch(/\b[4-9]\d calls, all answered/);

    const neighbour = await inventory.observe(targetOf(beside));
    expect(neighbour.verdict === "present" && neighbour.evidence.slice(1).sort()).toEqual(
      others.map(({ id }) => id).sort(),
    );
  }, 180_000);

  test("is seen in another region that its policy allows", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const elsewhere = { ...world, clients: { client: clients.client } };
    const { CreateVolumeCommand } = await import("@aws-sdk/client-ec2");
    const ec2 = await clients.client("ec2", "lab", "eu-west-1");
    await ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: "eu-west-1a",
        Size: 1,
        TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: clusterTag(own.infraId), Value: "owned" }] }],
      }),
    );
    const inventory = inventoryOf(elsewhere.clients);
    expect((await inventory.observe(targetOf(own, [REGION, "eu-west-1"]))).verdict).toBe("present");
    expect((await inventory.observe(targetOf(own, [REGION, "eu-central-1"]))).verdict).toBe("absent");
  });

  test("a user of the credential operator is seen under the 20 characters that its name has of a longer infraID", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const long = clusterOf(
      "orders-nightly-tests-x7k2p",
      "0198c0de-0000-7000-8000-000000000003",
      "orders-nightly-tests",
    );
    const sibling = clusterOf("orders-nightly-tests-b4c5d", "0198c0de-0000-7000-8000-000000000004", long.clusterName);
    const cut = `${long.infraId.slice(0, 20)}-openshift-ingress-k4m2q`;
    const Tags = [{ Key: clusterTag(long.infraId), Value: "owned" }];
    const iam = await world.clients.client("iam", "lab", REGION);
    const { User } = await iam.send(new CreateUserCommand({ UserName: cut, Tags }));
    const inventory = inventoryOf(clients);
    expect(await inventory.observe(targetOf(long))).toMatchObject({
      verdict: "present",
      evidence: [expect.any(String), User?.Arn],
    });
    expect((await inventory.observe(targetOf(sibling))).verdict).toBe("absent");
    expect((await inventory.sweep()).resources).toMatchObject([{ id: User?.Arn, infraId: long.infraId }]);
  });

  test("with more pieces than fit lists some and counts all", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    for (let number = 0; number < 60; number++) await role(world, `${own.infraId}-openshift-part-${number}`);
    const seen = await inventoryOf(clients).observe(targetOf(own));
    if (seen.verdict !== "present") throw new Error(JSON.stringify(seen));
    expect(seen.evidence[0]).toBe(`60 in account ${clients.accountId} (lab)`);
    expect(seen.evidence).toHaveLength(52);
    expect(seen.evidence.at(-1)).toBe("and 10 more");
  });
});

describe("what is not the cluster's", () => {
  test("a terminated instance is gone, whatever its tags say", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const instance = await LEFTOVERS["instance"]!(world, own);
    const ec2 = await clients.client("ec2", "lab", REGION);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.id.split("/")[1] ?? ""] }));
    expect((await inventoryOf(clients).observe(targetOf(own))).verdict).toBe("absent");
  });

  test("what was shared with it, other names in the zone, and names that only begin alike", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    await bucket(world, "demo-x7k2pq-image-registry", []);
    await bucket(world, "demo-x7k2p-images", [{ Key: clusterTag(own.infraId), Value: "shared" }]);
    await role(world, "demo-x7k2p", []);
    await role(world, "demo-x7k2p-backup", [{ Key: TAGS.labId, Value: beside.labId }]);
    await record(world, world.zoneId, "api.demo2.labs.example.com");
    await record(world, world.zoneId, "x.api.demo.labs.example.com");
    await record(world, world.zoneId, "www.apps.demo.labs.example.com");
    await record(world, world.zoneId, "demo.labs.example.com");
    expect(await inventoryOf(clients).observe(targetOf(own))).toMatchObject({ verdict: "absent" });
  });

  test("records of a cluster that was made anew under the same name", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const anew = { ...own, infraId: "demo-zzzzz" };
    await LEFTOVERS["record of the API"]!(world, anew);
    await LEFTOVERS["record of the applications"]!(world, anew);
    expect(await inventoryOf(clients).observe(targetOf(own))).toMatchObject({ verdict: "absent" });
    expect(await inventoryOf(clients).observe(targetOf(anew))).toMatchObject({ verdict: "present" });
  });
});

describe("a target that is not exact", () => {
  const clients = freshClients();
  test.each([
    { infraId: "" },
    { infraId: "demo" },
    { infraId: "*" },
    { infraId: "demo-*" },
    { infraId: "demo-x7k2?" },
    { labId: "" },
    { labId: "*" },
    { clusterName: "" },
    { clusterName: "*" },
    { baseDomain: "" },
    { baseDomain: "com" },
    { region: "" },
    { regions: [REGION, ""] },
  ])("%j is refused, never looked for", async (wrong) => {
    await expect(inventoryOf(clients).observe({ ...targetOf(own), ...wrong })).rejects.toMatchObject({
      code: "LK5301",
    });
  });
});
