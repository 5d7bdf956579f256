/** What an installer leaves in AWS, one kind at a time, made with the SDK. */

import {
  AllocateAddressCommand,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVolumeCommand,
  DeleteVpcCommand,
  DescribeImagesCommand,
  type EC2Client,
  ReleaseAddressCommand,
  type ResourceType,
  RunInstancesCommand,
  type TagSpecification,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateLoadBalancerCommand as CreateClassic,
  DeleteLoadBalancerCommand as DeleteClassic,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  CreateInstanceProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteInstanceProfileCommand,
  DeleteOpenIDConnectProviderCommand,
  DeleteRoleCommand,
  DeleteUserCommand,
} from "@aws-sdk/client-iam";
import {
  ChangeResourceRecordSetsCommand,
  ChangeTagsForResourceCommand,
  CreateHostedZoneCommand,
  DeleteHostedZoneCommand,
  type ResourceRecordSet,
} from "@aws-sdk/client-route-53";
import { CreateBucketCommand, DeleteBucketCommand, PutBucketTaggingCommand } from "@aws-sdk/client-s3";
import type { AwsClients } from "../../src/cloud/aws/clients.ts";
import { clusterTag, TAGS } from "../../src/core/ownership.ts";
import { REGION, uniqueName } from "./moto.ts";

export interface Cluster {
  readonly infraId: string;
  readonly labId: string;
  readonly clusterName: string;
  readonly baseDomain: string;
}

export interface World {
  readonly clients: Pick<AwsClients, "client">;
  readonly accountId: string;
  /** The base domain's public zone. */
  readonly zoneId: string;
  /** Untagged, as somebody else's. */
  readonly subnetId: string;
  readonly vpcId: string;
  /** The first two bytes of the VPC's addresses; `10.9` when absent. */
  readonly network?: string;
}

export interface Leftover {
  /** Its ARN, or what stands in the evidence for it. */
  readonly id: string;
  remove(): Promise<unknown>;
}

const ownTags = ({ infraId, labId }: Cluster): { Key: string; Value: string }[] => [
  { Key: clusterTag(infraId), Value: "owned" },
  { Key: TAGS.labId, Value: labId },
];

const spec = (type: ResourceType, of: Cluster): TagSpecification[] => [{ ResourceType: type, Tags: ownTags(of) }];
const arn = ({ accountId }: World, rest: string): string => `arn:aws:ec2:${REGION}:${accountId}:${rest}`;
const trust = JSON.stringify({ Version: "2012-10-17", Statement: [] });
const of = (world: World) => ({
  ec2: () => world.clients.client("ec2", "lab", REGION),
  iam: () => world.clients.client("iam", "lab", REGION),
  s3: () => world.clients.client("s3", "lab", REGION),
  route53: () => world.clients.client("route53", "lab", REGION),
});

export const clusterOf = (infraId: string, labId: string, clusterName: string, baseDomain = "labs.example.com") =>
  ({ infraId, labId, clusterName, baseDomain }) satisfies Cluster;

export async function emptyWorld(
  clients: Pick<AwsClients, "client"> & { readonly accountId: string },
  baseDomain = "labs.example.com",
): Promise<World> {
  const route53 = await clients.client("route53", "lab", REGION);
  const zone = await route53.send(
    new CreateHostedZoneCommand({ Name: baseDomain, CallerReference: uniqueName("zone") }),
  );
  const ec2 = await clients.client("ec2", "lab", REGION);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
  const vpcId = Vpc?.VpcId ?? "";
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: "10.9.0.0/20" }));
  const zoneId = (zone.HostedZone?.Id ?? "").replace("/hostedzone/", "");
  return { clients, accountId: clients.accountId, zoneId, subnetId: Subnet?.SubnetId ?? "", vpcId };
}

const anyImage = async (ec2: EC2Client): Promise<string> => {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"], MaxResults: 5 }));
  return Images[0]?.ImageId ?? "ami-12345678";
};

/** A router's, which nothing but its tags connects with a cluster. */
const ROUTER = `a1b2c3d4e5f60718293a4b5c6d7e8f90-1234567890.${REGION}.elb.amazonaws.com`;

export async function record(world: World, zoneId: string, name: string, target = ROUTER): Promise<Leftover> {
  const route53 = await of(world).route53();
  const ResourceRecordSet: ResourceRecordSet = target.includes(".elb.")
    ? {
        Name: name,
        Type: "A",
        AliasTarget: { DNSName: target, HostedZoneId: "Z35SXDOTRQ7X7K", EvaluateTargetHealth: false },
      }
    : { Name: name, Type: "A", TTL: 60, ResourceRecords: [{ Value: target }] };
  const change = (Action: "CREATE" | "DELETE") =>
    route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: zoneId,
        ChangeBatch: { Changes: [{ Action, ResourceRecordSet }] },
      }),
    );
  await change("CREATE");
  return { id: `arn:aws:route53:::hostedzone/${zoneId}/A/${name}`, remove: () => change("DELETE") };
}

export async function role(
  world: World,
  RoleName: string,
  Tags: { Key: string; Value: string }[] = [],
): Promise<Leftover> {
  const iam = await of(world).iam();
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, Tags }));
  return { id: Role?.Arn ?? "", remove: () => iam.send(new DeleteRoleCommand({ RoleName })) };
}

export async function bucket(
  world: World,
  Bucket: string,
  TagSet: { Key: string; Value: string }[],
): Promise<Leftover> {
  const s3 = await of(world).s3();
  await s3.send(new CreateBucketCommand({ Bucket }));
  if (TagSet.length > 0) await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  return { id: `arn:aws:s3:::${Bucket}`, remove: () => s3.send(new DeleteBucketCommand({ Bucket })) };
}

const oidc = async (world: World, Url: string, Tags: { Key: string; Value: string }[]): Promise<Leftover> => {
  const iam = await of(world).iam();
  const made = await iam.send(
    new CreateOpenIDConnectProviderCommand({
      Url,
      ThumbprintList: ["a".repeat(40)],
      ClientIDList: ["openshift"],
      Tags,
    }),
  );
  const OpenIDConnectProviderArn = made.OpenIDConnectProviderArn ?? "";
  return {
    id: OpenIDConnectProviderArn,
    remove: () => iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn })),
  };
};

const volume = async (world: World, Tags: { Key: string; Value: string }[]): Promise<Leftover> => {
  const ec2 = await of(world).ec2();
  const { VolumeId = "" } = await ec2.send(
    new CreateVolumeCommand({
      AvailabilityZone: `${REGION}a`,
      Size: 120,
      VolumeType: "gp3",
      TagSpecifications: [{ ResourceType: "volume", Tags }],
    }),
  );
  return { id: arn(world, `volume/${VolumeId}`), remove: () => ec2.send(new DeleteVolumeCommand({ VolumeId })) };
};

/** One of each, each alone enough to say that the cluster is not gone. */
export const LEFTOVERS: Readonly<Record<string, (world: World, cluster: Cluster) => Promise<Leftover>>> = {
  instance: async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { Instances = [] } = await ec2.send(
      new RunInstancesCommand({
        ImageId: await anyImage(ec2),
        InstanceType: "m6i.xlarge",
        MinCount: 1,
        MaxCount: 1,
        SubnetId: world.subnetId,
        TagSpecifications: spec("instance", cluster),
      }),
    );
    const InstanceId = Instances[0]?.InstanceId ?? "";
    const remove = () => ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
    return { id: arn(world, `instance/${InstanceId}`), remove };
  },
  volume: (world, cluster) => volume(world, [{ Key: clusterTag(cluster.infraId), Value: "owned" }]),
  "volume with the lab's id only": (world, cluster) => volume(world, [{ Key: TAGS.labId, Value: cluster.labId }]),
  "elastic IP": async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { AllocationId = "" } = await ec2.send(
      new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: spec("elastic-ip", cluster) }),
    );
    return {
      id: arn(world, `elastic-ip/${AllocationId}`),
      remove: () => ec2.send(new ReleaseAddressCommand({ AllocationId })),
    };
  },
  "NAT gateway": async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    const { NatGateway } = await ec2.send(
      new CreateNatGatewayCommand({
        SubnetId: world.subnetId,
        AllocationId,
        TagSpecifications: spec("natgateway", cluster),
      }),
    );
    const NatGatewayId = NatGateway?.NatGatewayId ?? "";
    return {
      id: arn(world, `natgateway/${NatGatewayId}`),
      remove: () => ec2.send(new DeleteNatGatewayCommand({ NatGatewayId })),
    };
  },
  "network interface": async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { NetworkInterface } = await ec2.send(
      new CreateNetworkInterfaceCommand({
        SubnetId: world.subnetId,
        TagSpecifications: spec("network-interface", cluster),
      }),
    );
    const NetworkInterfaceId = NetworkInterface?.NetworkInterfaceId ?? "";
    return {
      id: arn(world, `network-interface/${NetworkInterfaceId}`),
      remove: () => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId })),
    };
  },
  "security group": async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { GroupId = "" } = await ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: `${cluster.infraId}-node`,
        Description: "nodes",
        VpcId: world.vpcId,
        TagSpecifications: spec("security-group", cluster),
      }),
    );
    return {
      id: arn(world, `security-group/${GroupId}`),
      remove: () => ec2.send(new DeleteSecurityGroupCommand({ GroupId })),
    };
  },
  VPC: async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { Vpc } = await ec2.send(
      new CreateVpcCommand({ CidrBlock: "10.0.0.0/16", TagSpecifications: spec("vpc", cluster) }),
    );
    const VpcId = Vpc?.VpcId ?? "";
    return { id: arn(world, `vpc/${VpcId}`), remove: () => ec2.send(new DeleteVpcCommand({ VpcId })) };
  },
  subnet: async (world, cluster) => {
    const ec2 = await of(world).ec2();
    // Of their own, so that two clusters in one VPC do not overlap.
    const third = 16 * (1 + ([...cluster.infraId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 15));
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({
        VpcId: world.vpcId,
        CidrBlock: `${world.network ?? "10.9"}.${third}.0/20`,
        TagSpecifications: spec("subnet", cluster),
      }),
    );
    const SubnetId = Subnet?.SubnetId ?? "";
    return { id: arn(world, `subnet/${SubnetId}`), remove: () => ec2.send(new DeleteSubnetCommand({ SubnetId })) };
  },
  "internet gateway": async (world, cluster) => {
    const ec2 = await of(world).ec2();
    const { InternetGateway } = await ec2.send(
      new CreateInternetGatewayCommand({ TagSpecifications: spec("internet-gateway", cluster) }),
    );
    const InternetGatewayId = InternetGateway?.InternetGatewayId ?? "";
    return {
      id: arn(world, `internet-gateway/${InternetGatewayId}`),
      remove: () => ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId })),
    };
  },
  NLB: async (world, cluster) => {
    const elb = await world.clients.client("elbv2", "lab", REGION);
    const { LoadBalancers = [] } = await elb.send(
      new CreateLoadBalancerCommand({
        Name: `${cluster.infraId}-ext`,
        Type: "network",
        Subnets: [world.subnetId],
        Tags: ownTags(cluster),
      }),
    );
    const LoadBalancerArn = LoadBalancers[0]?.LoadBalancerArn ?? "";
    return { id: LoadBalancerArn, remove: () => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn })) };
  },
  "target group": async (world, cluster) => {
    const elb = await world.clients.client("elbv2", "lab", REGION);
    const { TargetGroups = [] } = await elb.send(
      new CreateTargetGroupCommand({
        Name: uniqueName("apiserver-target"),
        Protocol: "TCP",
        Port: 6443,
        VpcId: world.vpcId,
        Tags: ownTags(cluster),
      }),
    );
    const TargetGroupArn = TargetGroups[0]?.TargetGroupArn ?? "";
    return { id: TargetGroupArn, remove: () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn })) };
  },
  "classic ELB": async (world, cluster) => {
    const elb = await world.clients.client("elb", "lab", REGION);
    const LoadBalancerName = uniqueName("a").replaceAll("-", "");
    await elb.send(
      new CreateClassic({
        LoadBalancerName,
        Listeners: [{ Protocol: "TCP", LoadBalancerPort: 443, InstancePort: 30443 }],
        Subnets: [world.subnetId],
        Tags: ownTags(cluster),
      }),
    );
    return {
      id: `arn:aws:elasticloadbalancing:${REGION}:${world.accountId}:loadbalancer/${LoadBalancerName}`,
      remove: () => elb.send(new DeleteClassic({ LoadBalancerName })),
    };
  },
  "record of the API": (world, { infraId, clusterName, baseDomain }) =>
    record(
      world,
      world.zoneId,
      `api.${clusterName}.${baseDomain}`,
      `${infraId}-ext-0a1b2c3d4e5f.elb.${REGION}.amazonaws.com`,
    ),
  "record of the applications": (world, { clusterName, baseDomain }) =>
    record(world, world.zoneId, `*.apps.${clusterName}.${baseDomain}`),
  "record of the internal API": (world, { clusterName, baseDomain }) =>
    record(world, world.zoneId, `api-int.${clusterName}.${baseDomain}`),
  "private zone": async (world, cluster) => {
    const route53 = await of(world).route53();
    const { HostedZone } = await route53.send(
      new CreateHostedZoneCommand({
        Name: `${cluster.clusterName}.${cluster.baseDomain}`,
        CallerReference: uniqueName("zone"),
        VPC: { VPCId: world.vpcId, VPCRegion: REGION },
        HostedZoneConfig: { PrivateZone: true, Comment: "a cluster" },
      }),
    );
    const ResourceId = (HostedZone?.Id ?? "").replace("/hostedzone/", "");
    await route53.send(
      new ChangeTagsForResourceCommand({ ResourceType: "hostedzone", ResourceId, AddTags: ownTags(cluster) }),
    );
    return {
      id: `arn:aws:route53:::hostedzone/${ResourceId}`,
      remove: () => route53.send(new DeleteHostedZoneCommand({ Id: ResourceId })),
    };
  },
  role: (world, cluster) => role(world, `${cluster.infraId}-master-role`, ownTags(cluster)),
  "role without tags": (world, { infraId }) => role(world, `${infraId}-openshift-ingress-operator-cloud-credentials`),
  user: async (world, cluster) => {
    const iam = await of(world).iam();
    const UserName = `${cluster.infraId}-openshift-machine-api-aws-x4m2q`;
    const { User } = await iam.send(new CreateUserCommand({ UserName, Tags: ownTags(cluster) }));
    return { id: User?.Arn ?? "", remove: () => iam.send(new DeleteUserCommand({ UserName })) };
  },
  "instance profile": async (world, { infraId }) => {
    const iam = await of(world).iam();
    const InstanceProfileName = `${infraId}-worker-profile`;
    const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    return {
      id: InstanceProfile?.Arn ?? "",
      remove: () => iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName })),
    };
  },
  "OIDC provider by its host": (world, { infraId }) =>
    oidc(world, `https://${infraId}-oidc.s3.${REGION}.amazonaws.com`, []),
  "OIDC provider by its tags": (world, { infraId }) =>
    oidc(world, `https://${uniqueName("d")}.cloudfront.net`, [
      { Key: `openshift.io/cloud-credential-operator/${infraId}`, Value: "owned" },
    ]),
  "bucket of the image registry": (world, cluster) =>
    bucket(world, `${cluster.infraId}-image-registry-${REGION}-${uniqueName("xq")}`, ownTags(cluster)),
  "bucket without tags": (world, { infraId }) => bucket(world, `${infraId}-bootstrap`, []),
  "bucket of the bootstrap data": (world, { infraId }) => bucket(world, `openshift-bootstrap-data-${infraId}`, []),
  "bucket of another name": (world, cluster) => bucket(world, uniqueName("loki"), ownTags(cluster)),
};
