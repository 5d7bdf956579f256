/** What cannot be seen is never taken for gone. moto answers; a server in front of it refuses, breaks or invents. */

import { beforeAll, describe, expect, test } from "vitest";
import type { AwsClients } from "../../src/cloud/aws/clients.ts";
import { awsInventory } from "../../src/cloud/aws/inventory.ts";
import type { CloudTarget } from "../../src/cloud-ports.ts";
import { clusterTag } from "../../src/core/ownership.ts";
import type { Observation } from "../../src/core/types.ts";
import { clusterOf, emptyWorld, LEFTOVERS, type World } from "./fake-cluster.ts";
import { type Asked, type Fault, jsonError, type Recording, refusal, through, xmlError } from "./front.ts";
import { freshClients, REGION } from "./moto.ts";

const own = clusterOf("demo-x7k2p", "0198c0de-0000-7000-8000-000000000001", "demo");
const target: CloudTarget = { ...own, account: "lab", region: REGION, regions: [REGION] };

/** One world for all: nothing here changes it, except where a test makes its own. */
const direct = freshClients();
beforeAll(async () => {
  await emptyWorld(direct);
});

const recording: Recording = new Map();

/** Looks through a front, in the world that was made without it. */
async function observeThrough(
  fault: Fault,
  options: { accountId?: string; target?: Partial<CloudTarget>; id?: string | null; signal?: AbortSignal } = {},
): Promise<{ observation: Observation; log: readonly Asked[] }> {
  const accountId = options.accountId ?? direct.accountId;
  const look = async (clients: AwsClients, log: readonly Asked[]) => {
    const inventory = awsInventory({ clients, accounts: [{ name: "lab", id: options.id ?? null }], regions: [REGION] });
    return { observation: await inventory.observe({ ...target, ...options.target }, options.signal), log };
  };
  return await through(accountId, fault, look, accountId === direct.accountId ? recording : undefined);
}

/** Every kind of call that a look at an empty account makes. */
const everyCall = async (): Promise<string[]> => {
  const { observation, log } = await observeThrough(() => null);
  expect(observation.verdict).toBe("absent");
  return [...new Set(log.map(({ service, action }) => `${service} ${shape(action)}`))];
};
const shape = (action: string): string => action.replace(/hostedzone\/[A-Z0-9]+/, "hostedzone/ID");

describe("a look at nothing", () => {
  test("asks every service", async () => {
    const calls = await everyCall();
    expect(calls).toEqual(
      expect.arrayContaining([
        "sts GetCallerIdentity",
        "ec2 DescribeInstances",
        "ec2 DescribeVolumes",
        "ec2 DescribeAddresses",
        "ec2 DescribeNatGateways",
        "ec2 DescribeNetworkInterfaces",
        "ec2 DescribeSecurityGroups",
        "ec2 DescribeVpcs",
        "ec2 DescribeTags",
        "elasticloadbalancing DescribeLoadBalancers",
        "tagging GetResources",
        "iam ListRoles",
        "iam ListUsers",
        "iam ListInstanceProfiles",
        "iam ListOpenIDConnectProviders",
        "route53 GET /2013-04-01/hostedzonesbyname",
        "route53 GET /2013-04-01/hostedzone/ID/rrset",
        "s3 GET /",
      ]),
    );
  });

  test("is unknown when any one call is refused, unreadable or cut off", async () => {
    const calls = await everyCall();
    const answers: readonly [string, (service: string) => ReturnType<Fault>][] = [
      ["refused", (service) => refusal(service, service === "ec2" ? "UnauthorizedOperation" : "AccessDenied", 403)],
      [
        "nonsense",
        () => ({ status: 200, type: "text/html", body: "<html>Welcome to the hotel's wireless network</html>" }),
      ],
    ];
    for (const call of calls) {
      for (const [how, answer] of answers) {
        const { observation } = await observeThrough(({ service, action }) =>
          `${service} ${shape(action)}` === call ? answer(service) : null,
        );
        expect(observation, `${call} ${how}`).toMatchObject({
          verdict: "unknown",
          reason: expect.stringMatching(/\S{3}/),
        });
      }
    }
  }, 120_000);

  test.each([
    ["throttled without end", () => refusal("ec2", "RequestLimitExceeded", 503)],
    ["broken without end", () => refusal("ec2", "InternalError", 500)],
    ["cut off without end", () => ({ status: 0, hangUp: true })],
    ["empty", () => ({ status: 200, body: "" })],
    ["a page in JSON", () => ({ status: 200, type: "application/json", body: "{}" })],
  ] as const)(
    "is unknown when EC2's volumes are %s",
    async (_, answer) => {
      const { observation } = await observeThrough(({ action }) => (action === "DescribeVolumes" ? answer() : null));
      expect(observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining(`ec2 ${REGION}`) });
    },
    60_000,
  );

  test("is still a look when a call is throttled once", async () => {
    const { observation } = await observeThrough(({ action, times }) =>
      action === "DescribeVolumes" && times === 1 ? refusal("ec2", "RequestLimitExceeded", 503) : null,
    );
    expect(observation.verdict).toBe("absent");
  });

  test("is unknown when one of its regions is closed to the account", async () => {
    const { observation } = await observeThrough(
      ({ service, region }) =>
        service === "ec2" && region === "eu-south-2" ? refusal("ec2", "AuthFailure", 401) : null,
      { target: { regions: [REGION, "eu-south-2"] } },
    );
    expect(observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("eu-south-2") });
  });

  test("is unknown without regions, without the account, without the base domain's zone", async () => {
    const none = await observeThrough(() => null, { target: { regions: [] } });
    expect(none.observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("regions") });
    const stranger = await observeThrough(() => null, { target: { account: "other" } });
    expect(stranger.observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("other") });
    const elsewhere = await observeThrough(() => null, { target: { baseDomain: "labs.example.org" } });
    expect(elsewhere.observation).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("labs.example.org"),
    });
  });

  test("is unknown in another account than the configured or the recorded one", async () => {
    const configured = await observeThrough(() => null, { id: "123456789012" });
    expect(configured.observation).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("123456789012"),
    });
    expect(configured.log.filter(({ service }) => service !== "sts")).toEqual([]);
    const recorded = await observeThrough(() => null, { target: { accountId: "123456789012" } });
    expect(recorded.observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("123456789012") });
    const right = await observeThrough(() => null, { id: direct.accountId, target: { accountId: direct.accountId } });
    expect(right.observation.verdict).toBe("absent");
  });

  test("is given up when it is not wanted any more", async () => {
    const stop = new AbortController();
    const fault: Fault = ({ action }) => {
      if (action === "DescribeVpcs") stop.abort(new Error("enough"));
      return null;
    };
    await expect(observeThrough(fault, { signal: stop.signal })).rejects.toThrow("enough");
  });
});

describe("a list in pages", () => {
  const roles = (names: readonly string[], marker: string | null): string =>
    `<ListRolesResponse><ListRolesResult><IsTruncated>${marker !== null}</IsTruncated>${marker === null ? "" : `<Marker>${marker}</Marker>`}<Roles>${names
      .map(
        (name) =>
          `<member><Path>/</Path><RoleName>${name}</RoleName><RoleId>A</RoleId><Arn>arn:aws:iam::${direct.accountId}:role/${name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>`,
      )
      .join("")}</Roles></ListRolesResult></ListRolesResponse>`;
  const page = (names: readonly string[], marker: string | null) => ({
    status: 200,
    type: "text/xml",
    body: roles(names, marker),
  });
  const hundred = Array.from({ length: 100 }, (_, number) => `app-${number}`);

  test("is read to its end", async () => {
    const { observation } = await observeThrough(({ action, body }) => {
      if (action === "ListRoleTags") {
        const tags =
          "<ListRoleTagsResponse><ListRoleTagsResult><IsTruncated>false</IsTruncated><Tags/></ListRoleTagsResult></ListRoleTagsResponse>";
        return { status: 200, type: "text/xml", body: tags };
      }
      if (action !== "ListRoles") return null;
      const number = Number(new URLSearchParams(body).get("Marker") ?? 0);
      return number < 9 ? page(hundred, String(number + 1)) : page(["demo-x7k2p-worker-role"], null);
    });
    expect(observation).toMatchObject({
      verdict: "present",
      evidence: [expect.anything(), `arn:aws:iam::${direct.accountId}:role/demo-x7k2p-worker-role`],
    });
  });

  test.each([
    [
      "fails on its last page",
      (marker: string | null) => (marker === null ? page(hundred, "m") : xmlError("ServiceFailure", 500)),
    ],
    [
      "has a page without a list",
      (marker: string | null) => (marker === null ? page(hundred, "m") : { status: 200, body: "<a/>" }),
    ],
    ["goes round in circles", () => page(hundred, "same")],
    ["says that there is more but not where", () => ({ ...page(hundred, ""), body: roles(hundred, "") })],
  ] as const)(
    "is unknown when it %s",
    async (_, answer) => {
      const { observation } = await observeThrough(({ action, body }) =>
        action === "ListRoles" ? answer(new URLSearchParams(body).get("Marker")) : null,
      );
      expect(observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("iam global") });
    },
    60_000,
  );
});

describe("what is surely seen", () => {
  let world: World & { clients: ReturnType<typeof freshClients> };
  beforeAll(async () => {
    const clients = freshClients();
    world = { ...(await emptyWorld(clients)), clients };
    await LEFTOVERS["volume"]!(world, own);
  });

  test("is present, whatever else failed", async () => {
    const { observation } = await observeThrough(
      ({ service }) =>
        ["iam", "s3", "route53", "tagging"].includes(service) ? refusal(service, "AccessDenied", 403) : null,
      { accountId: world.accountId },
    );
    expect(observation).toMatchObject({ verdict: "present" });
    expect(JSON.stringify(observation)).toContain("could not look");
  });
});

describe("the Tagging API", () => {
  const lists =
    (arn: string): Fault =>
    ({ action, body }) =>
      action === "GetResources" && body.includes(clusterTag(own.infraId))
        ? {
            status: 200,
            type: "application/x-amz-json-1.1",
            body: JSON.stringify({
              PaginationToken: "",
              ResourceTagMappingList: [{ ResourceARN: arn, Tags: [{ Key: clusterTag(own.infraId), Value: "owned" }] }],
            }),
          }
        : null;

  test.each([
    `arn:aws:ec2:${REGION}:123456789012:instance/i-0123456789abcdef0`,
    `arn:aws:ec2:${REGION}:123456789012:natgateway/nat-0123456789abcdef0`,
    `arn:aws:elasticloadbalancing:${REGION}:123456789012:loadbalancer/net/demo-x7k2p-int/50dc6c495c0c9188`,
    "arn:aws:iam::123456789012:instance-profile/demo-x7k2p-master-profile",
    "arn:aws:s3:::demo-x7k2p-image-registry-gone",
    "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ",
    `arn:aws:secretsmanager:${REGION}:123456789012:secret:labkeeper/labs/0198c0de`,
  ])("still lists %s, which is gone", async (arn) => {
    const { observation } = await observeThrough(lists(arn));
    expect(observation).toMatchObject({ verdict: "absent" });
  });

  test.each([
    `arn:aws:elasticfilesystem:${REGION}:123456789012:file-system/fs-0123456789abcdef0`,
    `arn:aws:kms:${REGION}:123456789012:key/0198c0de-0000-7000-8000-000000000001`,
    "arn:aws:iam::123456789012:policy/demo-x7k2p-policy",
    "arn:aws:ec2:ap-south-1:123456789012:volume/vol-0123456789abcdef0",
  ])("is the only one to list %s", async (arn) => {
    const { observation } = await observeThrough(lists(arn));
    expect(observation).toMatchObject({ verdict: "present", evidence: [expect.anything(), arn] });
  });

  test("that answers for another cluster is not believed", async () => {
    const { observation } = await observeThrough(({ action }) =>
      action === "GetResources"
        ? {
            status: 200,
            type: "application/x-amz-json-1.1",
            body: JSON.stringify({
              ResourceTagMappingList: [
                {
                  ResourceARN: `arn:aws:kms:${REGION}:123456789012:key/another`,
                  Tags: [{ Key: clusterTag("demo-x7k2p-b4c5d"), Value: "owned" }],
                },
              ],
            }),
          }
        : null,
    );
    expect(observation).toMatchObject({ verdict: "absent" });
  });

  test("that refuses is told in the reason", async () => {
    const { observation } = await observeThrough(({ service }) =>
      service === "tagging" ? jsonError("AccessDeniedException", 400) : null,
    );
    expect(observation).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("tagging us-east-1") });
  });
});
