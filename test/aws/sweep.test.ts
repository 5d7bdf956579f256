/**
 * Everything with tags in all accounts and regions, and the removal of one of it by its ARN. moto terminates instances and
 * deletes gateways at once, and lets a bucket go that AWS would keep.
 */

import { CreateTagsCommand, CreateVolumeCommand } from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateInstanceProfileCommand,
  CreatePolicyCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { awsAccount } from "../../src/cloud/aws/account.ts";
import { accountSettings } from "../../src/cloud/aws/identity.ts";
import { awsInventory } from "../../src/cloud/aws/inventory.ts";
import type { CloudResource } from "../../src/cloud-ports.ts";
import { orphansAmong } from "../../src/core/orphans.ts";
import { clusterTag, TAGS } from "../../src/core/ownership.ts";
import { type Cluster, clusterOf, emptyWorld, LEFTOVERS, type Leftover, role, type World } from "./fake-cluster.ts";
import { type Fault, refusal, through } from "./front.ts";
import { freshClients, REGION, roleOf } from "./moto.ts";

/** Names of buckets are everybody's, so each test file and each world here has its own. */
const pair = (name: string): readonly [own: Cluster, beside: Cluster] => [
  clusterOf(`${name}-x7k2p`, "0198c0de-0000-7000-8000-000000000001", name),
  clusterOf(`${name}-x7k2p-b4c5d`, "0198c0de-0000-7000-8000-000000000002", `${name}-x7k2p`),
];

/** What a sweep has no way to find: records have no tags, and these names alone say nothing. */
const UNSWEPT = /^record|another name|with the lab's id only/;

const makeAll = async (world: World, cluster: Cluster): Promise<Leftover[]> => {
  const made: Leftover[] = [];
  for (const [kind, make] of Object.entries(LEFTOVERS)) if (!UNSWEPT.test(kind)) made.push(await make(world, cluster));
  return made;
};

const lab = [{ name: "lab", id: null }];
const inventoryOf = (clients: World["clients"], regions: readonly string[] = [REGION]) =>
  awsInventory({ clients, accounts: lab, regions });

describe("a sweep", () => {
  const [own, beside] = pair("seen");

  test("finds all clusters and says whose each thing is, what it costs and how old it is", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const mine = await makeAll(world, own);
    const theirs = await makeAll(world, beside);
    const tagged = await LEFTOVERS["volume with the lab's id only"]!(world, own);
    const foreign = await LEFTOVERS["bucket of another name"]!(world, own);
    await role(world, "app-role", [{ Key: "team", Value: "x" }]);
    const { resources, unseen } = await inventoryOf(clients).sweep();
    expect(unseen).toEqual([]);
    const ids = (all: readonly { id: string }[]): string[] => all.map(({ id }) => id).toSorted();
    expect(ids(resources)).toEqual(ids([...mine, ...theirs, tagged, foreign]));
    const ofMine = resources.filter(({ id }) => mine.some((leftover) => leftover.id === id));
    expect(new Set(ofMine.map(({ infraId }) => infraId))).toEqual(new Set([own.infraId]));
    expect(resources.find(({ id }) => id === tagged.id)).toMatchObject({ infraId: null, labId: own.labId });
    expect(resources.every(({ account }) => account === "lab")).toBe(true);
    expect(new Set(resources.map(({ region }) => region))).toEqual(new Set([REGION, "global"]));

    const instance = resources.find(({ type }) => type === "ec2:instance");
    expect(instance).toMatchObject({ dailyCost: 4.61, createdAt: expect.any(Date) });
    expect(resources.find(({ type }) => type === "ec2:natgateway")).toMatchObject({ dailyCost: 1.08 });

    const now = new Date(Date.now() + 3_600_000);
    const known = [
      { id: beside.labId, name: "alive", live: true, infraId: beside.infraId },
      { id: own.labId, name: "gone", live: false, infraId: own.infraId },
    ];
    const orphans = orphansAmong(resources, known, now);
    expect(ids(orphans.map(({ resource }) => resource))).toEqual(ids([...mine, tagged, foreign]));
    expect(orphans.every(({ why, lab: name }) => why === "lab is destroyed" && name === "gone")).toBe(true);
  }, 60_000);

  test("covers every region, and tells those it cannot see", async () => {
    using clients = freshClients();
    await emptyWorld(clients);
    const ec2 = await clients.client("ec2", "lab", "eu-west-1");
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: "eu-west-1a",
        Size: 1,
        TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: clusterTag(own.infraId), Value: "owned" }] }],
      }),
    );
    const regions = [REGION, "eu-west-1", "eu-south-2"];
    const fault: Fault = ({ service, region }) =>
      service === "ec2" && region === "eu-south-2" ? refusal("ec2", "AuthFailure", 401) : null;
    const swept = await through(clients.accountId, fault, (own) => inventoryOf(own, regions).sweep());
    expect(swept.resources.map(({ id, region }) => [id.split("/")[1], region])).toEqual([[VolumeId, "eu-west-1"]]);
    expect(swept.unseen).toEqual([{ scope: "lab/eu-south-2", reason: expect.stringContaining("ec2 eu-south-2") }]);
  });

  test("tells every scope of an account that it cannot enter, and takes an account with two names once", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const there = await LEFTOVERS["volume"]!(world, own);
    const accounts = [
      { name: "lab", id: "123456789012" },
      { name: "lab", id: clients.accountId },
      { name: "lab", id: null },
      { name: "nobody", id: null },
    ];
    const swept = await awsInventory({ clients, accounts, regions: [REGION] }).sweep();
    expect(swept.resources.map(({ id }) => id)).toEqual([there.id]);
    expect(swept.unseen.map(({ scope }) => scope)).toEqual([
      `lab/${REGION}`,
      "lab/global",
      `nobody/${REGION}`,
      "nobody/global",
    ]);
    expect(await awsInventory({ clients, accounts, regions: [] }).sweep()).toMatchObject({
      unseen: [{ scope: "aws" }],
    });
  });

  test("looks into the regions of each account, and nowhere where none is named", async () => {
    using clients = freshClients();
    const world = await emptyWorld(clients);
    const there = await LEFTOVERS["volume"]!(world, own);
    const accounts = [
      { name: null, id: null, regions: [] },
      { name: "lab", id: null, regions: ["eu-west-1"] },
      { name: "lab", id: null, regions: ["eu-west-1", REGION] },
    ];
    const swept = await awsInventory({ clients, accounts, regions: [] }).sweep();
    expect(swept.unseen).toEqual([]);
    expect(swept.resources.map(({ id }) => id)).toContain(there.id);
  });

  test("knows which account a role is in", () => {
    expect(accountSettings({ lab: { roleArn: roleOf("123456789012") }, plain: {} })).toEqual([
      { name: null, id: null },
      { name: "lab", id: "123456789012" },
      { name: "plain", id: null },
    ]);
  });
});

describe("the removal of one resource", () => {
  const [own, beside] = pair("take");
  const clients = freshClients();
  const account = awsAccount({ clients, accounts: lab, region: REGION });
  let world: World;
  beforeAll(async () => {
    world = await emptyWorld(clients);
  });

  const seen = async (): Promise<ReadonlyMap<string, CloudResource>> => {
    const { resources } = await inventoryOf(clients).sweep();
    return new Map(resources.map((resource) => [resource.id, resource]));
  };

  test("takes every kind of thing, and nothing of a neighbour", async () => {
    const neighbours = await makeAll(world, beside);
    const mine = await makeAll(world, own);
    const before = await seen();
    for (const { id } of mine) await account.destroyResource(before.get(id)!);
    const after = await seen();
    expect([...after.keys()].toSorted()).toEqual(neighbours.map(({ id }) => id).toSorted());
    // Once more: it is gone, and says so.
    for (const { id } of mine.slice(0, 5)) {
      await expect(account.destroyResource(before.get(id)!), id).rejects.toMatchObject({ code: "LK5307" });
    }
    for (const { remove } of neighbours.toReversed()) await remove();
  }, 120_000);

  test("takes what hangs on a role and on a user with them", async () => {
    const iam = await clients.client("iam", "lab", REGION);
    const RoleName = "take-x7k2p-worker-role";
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
    });
    const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: "shared", PolicyDocument }));
    const made = await role(world, RoleName, [{ Key: clusterTag(own.infraId), Value: "owned" }]);
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: Policy?.Arn }));
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "inline", PolicyDocument }));
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "take-x7k2p-worker-profile" }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "take-x7k2p-worker-profile", RoleName }));
    const user = await LEFTOVERS["user"]!(world, own);
    const UserName = user.id.split("/")[1] ?? "";
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy?.Arn }));
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "inline", PolicyDocument }));
    await iam.send(new CreateAccessKeyCommand({ UserName }));
    const found = await seen();
    await account.destroyResource(found.get(made.id)!);
    await account.destroyResource(found.get(user.id)!);
    await account.destroyResource(
      found.get(`arn:aws:iam::${clients.accountId}:instance-profile/take-x7k2p-worker-profile`)!,
    );
    expect([...(await seen()).keys()]).toEqual([]);
  });

  test("empties a bucket of every version and unfinished upload", async () => {
    const made = await LEFTOVERS["bucket of the image registry"]!(world, own);
    const Bucket = made.id.replace("arn:aws:s3:::", "");
    const s3 = await clients.client("s3", "lab", REGION);
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    for (const Body of ["one", "two"]) await s3.send(new PutObjectCommand({ Bucket, Key: "layer", Body }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "layer" }));
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "half" }));
    await account.destroyResource((await seen()).get(made.id)!);
    expect((await seen()).has(made.id)).toBe(false);
  });

  test("leaves a VPC that still holds something", async () => {
    const vpc = await LEFTOVERS["VPC"]!(world, own);
    const found = (await seen()).get(vpc.id)!;
    const VpcId = vpc.id.split("/")[1] ?? "";
    const subnet = await LEFTOVERS["subnet"]!({ ...world, vpcId: VpcId, network: "10.0" }, own);
    await expect(account.destroyResource(found)).rejects.toMatchObject({
      code: "LK5307",
      message: expect.stringContaining("subnet-"),
    });
    await subnet.remove();
    await account.destroyResource(found);
  });

  test("refuses what it is not sure of", async () => {
    const volume = await LEFTOVERS["volume"]!(world, own);
    const found = (await seen()).get(volume.id)!;
    const refused: readonly [Partial<CloudResource>, string][] = [
      [{ id: "*" }, "LK5307"],
      [{ id: "vol-1" }, "LK5307"],
      [{ id: found.id.replace("volume/", "fleet/"), type: "ec2:fleet" }, "LK5307"],
      [{ id: "arn:aws:kms:us-east-1:123456789012:key/1", type: "kms:key" }, "LK5307"],
      [{ type: "ec2:vpc" }, "LK5307"],
      [{ account: "other" }, "LK5307"],
      [{ infraId: "demo-zzzzz" }, "LK5307"],
      [{ labId: own.labId }, "LK5307"],
      [{ id: found.id.replace(clients.accountId, "123456789012") }, "LK5302"],
      [{ id: found.id.replace(/vol-\w+/, "vol-00000000000000000") }, "LK5307"],
      [{ id: "arn:aws:route53:::hostedzone/Z1/A/www.example.com", type: "route53:record" }, "LK5307"],
    ];
    for (const [change, code] of refused) {
      await expect(account.destroyResource({ ...found, ...change }), JSON.stringify(change)).rejects.toMatchObject({
        code,
      });
    }
    // Taken over by another lab since it was approved.
    const ec2 = await clients.client("ec2", "lab", REGION);
    const Resources = [volume.id.split("/")[1] ?? ""];
    await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: TAGS.labId, Value: beside.labId }] }));
    await expect(account.destroyResource(found)).rejects.toMatchObject({ code: "LK5307" });
    expect((await seen()).has(volume.id)).toBe(true);
    await volume.remove();
  });

  test("says what AWS says when it refuses", async () => {
    const volume = await LEFTOVERS["volume"]!(world, own);
    const found = (await seen()).get(volume.id)!;
    const fault: Fault = ({ action }) => (action === "DeleteVolume" ? refusal("ec2", "VolumeInUse", 400) : null);
    const removal = through(clients.accountId, fault, (through) =>
      awsAccount({ clients: through, accounts: lab, region: REGION }).destroyResource(found),
    );
    await expect(removal).rejects.toMatchObject({ code: "LK5308", message: expect.stringContaining("VolumeInUse") });
    await volume.remove();
  });
});
