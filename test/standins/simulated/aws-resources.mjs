/**
 * With STANDIN_AWS=true a cluster of files has real resources beside them, in the AWS of AWS_ENDPOINT_URL: with the
 * cluster's tags, under the credentials that the installer was given, found again by exact tag and nothing else.
 */

import { awsKeys } from "./aws.mjs";

const ec2Sdk = () => import("@aws-sdk/client-ec2");
const elbSdk = () => import("@aws-sdk/client-elastic-load-balancing-v2");
const iamSdk = () => import("@aws-sdk/client-iam");
const dnsSdk = () => import("@aws-sdk/client-route-53");
const s3Sdk = () => import("@aws-sdk/client-s3");

const enabled = () => process.env.STANDIN_AWS === "true";

const settings = (region) => {
  const { AccessKeyId, SecretAccessKey, SessionToken } = awsKeys() ?? {};
  if (!AccessKeyId) throw new Error("NoCredentialProviders: no valid providers in chain");
  return {
    region,
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    forcePathStyle: true,
  };
};

const clusterOf = ({ infraID, region, tags, clusterDomain }) => ({
  infraID,
  region,
  clusterDomain,
  tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
});

const balancer = ({ infraID, region }) => `${infraID}-ext-0123456789abcdef.elb.${region}.amazonaws.com`;
const bootstrapBucket = ({ infraID }) => `openshift-bootstrap-data-${infraID}`;

/** Before any machine: network, load balancer, role, the bootstrap bucket, the API's record in the base domain. */
export async function makeInfrastructure(of) {
  if (!enabled()) return;
  const cluster = clusterOf(of);
  const { infraID, region, tags: Tags } = cluster;
  const { EC2Client, CreateVpcCommand, CreateSubnetCommand, CreateSecurityGroupCommand, AllocateAddressCommand } =
    await ec2Sdk();
  const ec2 = new EC2Client(settings(region));
  const spec = (ResourceType) => [{ ResourceType, Tags }];
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16", TagSpecifications: spec("vpc") }));
  const { VpcId } = Vpc;
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId, CidrBlock: "10.0.0.0/20", TagSpecifications: spec("subnet") }),
  );
  const node = { GroupName: `${infraID}-node`, Description: "nodes", VpcId };
  await ec2.send(new CreateSecurityGroupCommand({ ...node, TagSpecifications: spec("security-group") }));
  await ec2.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: spec("elastic-ip") }));
  const { ElasticLoadBalancingV2Client, CreateLoadBalancerCommand } = await elbSdk();
  await new ElasticLoadBalancingV2Client(settings(region)).send(
    new CreateLoadBalancerCommand({ Name: `${infraID}-ext`, Type: "network", Subnets: [Subnet.SubnetId], Tags }),
  );
  const { IAMClient, CreateRoleCommand } = await iamSdk();
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await new IAMClient(settings(region)).send(
    new CreateRoleCommand({ RoleName: `${infraID}-master-role`, AssumeRolePolicyDocument, Tags }),
  );
  const { S3Client, CreateBucketCommand, PutBucketTaggingCommand } = await s3Sdk();
  const s3 = new S3Client(settings(region));
  const Bucket = bootstrapBucket(cluster);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: Tags } }));
  await changeRecord(cluster, "CREATE", `api.${cluster.clusterDomain}`);
}

/** Machines are not run: moto's need an image. Their disks are what a bill shows, too. */
export async function makeMachines(of, count) {
  if (!enabled()) return;
  const { region, tags: Tags } = clusterOf(of);
  const { EC2Client, CreateVolumeCommand } = await ec2Sdk();
  const ec2 = new EC2Client(settings(region));
  const disk = { AvailabilityZone: `${region}a`, Size: 120, VolumeType: "gp3" };
  for (let n = 0; n < count; n++) {
    await ec2.send(new CreateVolumeCommand({ ...disk, TagSpecifications: [{ ResourceType: "volume", Tags }] }));
  }
}

/** What the cluster's own operators make once it runs. */
export async function makeApplicationsRecord(of) {
  if (enabled()) await changeRecord(clusterOf(of), "CREATE", `*.apps.${of.clusterDomain}`);
}

export async function removeBootstrap({ infraID, region }) {
  if (!enabled()) return;
  const { S3Client, DeleteBucketCommand } = await s3Sdk();
  await new S3Client(settings(region))
    .send(new DeleteBucketCommand({ Bucket: bootstrapBucket({ infraID }) }))
    .catch((error) => {
      if (error.name !== "NoSuchBucket") throw error;
    });
}

async function changeRecord(cluster, Action, Name) {
  const { Route53Client, ChangeResourceRecordSetsCommand, ListHostedZonesByNameCommand } = await dnsSdk();
  const route53 = new Route53Client(settings(cluster.region));
  const DNSName = cluster.clusterDomain.replace(/^[^.]+\./, "");
  const { HostedZones } = await route53.send(new ListHostedZonesByNameCommand({ DNSName }));
  const zone = HostedZones.find((each) => each.Name === `${DNSName}.`);
  const AliasTarget = { DNSName: balancer(cluster), HostedZoneId: "Z26RNL4JYFTOTI", EvaluateTargetHealth: false };
  const Changes = [{ Action, ResourceRecordSet: { Name, Type: "A", AliasTarget } }];
  await route53
    .send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone.Id, ChangeBatch: { Changes } }))
    .catch((error) => {
      if (Action !== "DELETE" || !/not found/i.test(error.message)) throw error;
    });
}

/** By the tag of metadata.json alone, as the installer does. Answers what it removed. */
export async function removeCluster({ infraID, region, clusterDomain }) {
  if (!enabled()) return [];
  const tag = `kubernetes.io/cluster/${infraID}`;
  const removed = [];
  const Filters = [{ Name: `tag:${tag}`, Values: ["owned"] }];
  const ec2Module = await ec2Sdk();
  const ec2 = new ec2Module.EC2Client(settings(region));
  const elbModule = await elbSdk();
  const elb = new elbModule.ElasticLoadBalancingV2Client(settings(region));
  const { LoadBalancers } = await elb.send(new elbModule.DescribeLoadBalancersCommand({}));
  for (const { LoadBalancerArn } of LoadBalancers) {
    const tags = await elb.send(new elbModule.DescribeTagsCommand({ ResourceArns: [LoadBalancerArn] }));
    if (!tags.TagDescriptions[0].Tags.some(({ Key, Value }) => Key === tag && Value === "owned")) continue;
    await elb.send(new elbModule.DeleteLoadBalancerCommand({ LoadBalancerArn }));
    removed.push(LoadBalancerArn);
  }
  const kinds = [
    ["Volumes", "VolumeId", "DescribeVolumesCommand", "DeleteVolumeCommand"],
    ["Addresses", "AllocationId", "DescribeAddressesCommand", "ReleaseAddressCommand"],
    ["SecurityGroups", "GroupId", "DescribeSecurityGroupsCommand", "DeleteSecurityGroupCommand"],
    ["Subnets", "SubnetId", "DescribeSubnetsCommand", "DeleteSubnetCommand"],
    ["Vpcs", "VpcId", "DescribeVpcsCommand", "DeleteVpcCommand"],
  ];
  for (const [list, id, describe, destroy] of kinds) {
    const found = (await ec2.send(new ec2Module[describe]({ Filters })))[list];
    for (const each of found) {
      await ec2.send(new ec2Module[destroy]({ [id]: each[id] }));
      removed.push(each[id]);
    }
  }
  const { IAMClient, DeleteRoleCommand } = await iamSdk();
  const RoleName = `${infraID}-master-role`;
  await new IAMClient(settings(region)).send(new DeleteRoleCommand({ RoleName })).catch((error) => {
    if (error.name !== "NoSuchEntityException") throw error;
  });
  await removeBootstrap({ infraID, region });
  // The applications' record is the cluster's own doing, and is not always gone with it.
  await changeRecord({ infraID, region, clusterDomain }, "DELETE", `api.${clusterDomain}`);
  return removed;
}
