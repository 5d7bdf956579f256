/** Removes one EC2 resource by its id. */

import {
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DeleteNetworkInterfaceCommand,
  DeleteRouteTableCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteSubnetCommand,
  DeleteVolumeCommand,
  DeleteVpcCommand,
  DeleteVpcEndpointsCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSubnetsCommand,
  DetachInternetGatewayCommand,
  type EC2Client,
  ReleaseAddressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { LabkeeperError } from "../../errors.ts";
import { ask, given, type Look } from "./look.ts";

export type Removal<Client> = (look: Look, client: Client, id: string, arn: string) => Promise<void>;

/** By type. What is not here is not removed. */
export const EC2_REMOVALS: Readonly<Record<string, Removal<EC2Client>>> = {
  "ec2:instance": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }), options));
  },
  "ec2:volume": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteVolumeCommand({ VolumeId: id }), options));
  },
  "ec2:snapshot": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }), options));
  },
  "ec2:elastic-ip": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new ReleaseAddressCommand({ AllocationId: id }), options));
  },
  "ec2:natgateway": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: id }), options));
  },
  "ec2:network-interface": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id }), options));
  },
  "ec2:security-group": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }), options));
  },
  "ec2:subnet": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteSubnetCommand({ SubnetId: id }), options));
  },
  "ec2:route-table": async (look, ec2, id) => {
    await ask(look, (options) => ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }), options));
  },
  "ec2:vpc-endpoint": async (look, ec2, id) => {
    const command = new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] });
    const { Unsuccessful = [] } = await ask(look, (options) => ec2.send(command, options));
    const [failure] = Unsuccessful;
    if (failure !== undefined) throw new LabkeeperError("LK5308", `${id}: ${failure.Error?.Message ?? "refused"}`);
  },
  "ec2:internet-gateway": async (look, ec2, InternetGatewayId) => {
    const command = new DescribeInternetGatewaysCommand({ InternetGatewayIds: [InternetGatewayId] });
    const answer = await ask(look, (options) => ec2.send(command, options));
    for (const { Attachments } of given(answer.InternetGateways, "InternetGateways")) {
      for (const { VpcId } of Attachments ?? []) {
        const detach = new DetachInternetGatewayCommand({ InternetGatewayId, VpcId });
        await ask(look, (options) => ec2.send(detach, options));
      }
    }
    await ask(look, (options) => ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId }), options));
  },
  /** Only an empty one: AWS refuses others, too, but not every endpoint that speaks its protocol does. */
  "ec2:vpc": async (look, ec2, VpcId) => {
    const Filters = [{ Name: "vpc-id", Values: [VpcId] }];
    const subnets = await ask(look, (options) => ec2.send(new DescribeSubnetsCommand({ Filters }), options));
    const interfaces = await ask(look, (options) =>
      ec2.send(new DescribeNetworkInterfacesCommand({ Filters }), options),
    );
    const inside = [
      ...given(subnets.Subnets, "Subnets").map(({ SubnetId }) => SubnetId),
      ...given(interfaces.NetworkInterfaces, "NetworkInterfaces").map(({ NetworkInterfaceId }) => NetworkInterfaceId),
    ];
    if (inside.length > 0) {
      throw new LabkeeperError("LK5307", `${VpcId} is not empty: it has ${inside.slice(0, 5).join(", ")}`);
    }
    await ask(look, (options) => ec2.send(new DeleteVpcCommand({ VpcId }), options));
  },
};
