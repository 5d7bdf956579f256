/** Networks and what stands in them. */

import {
  DescribeAddressesCommand,
  DescribeDhcpOptionsCommand,
  DescribeInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { dailyPrice } from "../../core/prices.ts";
import { itemOf, kind, PAGE } from "./ec2-kind.ts";
import { ask, given } from "./look.ts";

/** The one list of these that has no pages. */
export const addresses = kind(
  async (look, ec2, Filters) => {
    const answer = await ask(look, (options) => ec2.send(new DescribeAddressesCommand({ Filters }), options));
    return { items: given(answer.Addresses, "Addresses"), next: undefined };
  },
  ({ AllocationId, Tags }) => itemOf(AllocationId, Tags, dailyPrice({ type: "ec2:elastic-ip" })),
);

/** Stay listed as `deleted` for about an hour. */
export const natGateways = kind(
  async (look, ec2, Filter, NextToken) => {
    const command = new DescribeNatGatewaysCommand({ Filter, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.NatGateways, "NatGateways"), next: answer.NextToken };
  },
  ({ NatGatewayId, Tags, CreateTime, State }) =>
    State === "deleted" ? null : itemOf(NatGatewayId, Tags, dailyPrice({ type: "ec2:natgateway" }), CreateTime),
);

export const interfaces = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeNetworkInterfacesCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.NetworkInterfaces, "NetworkInterfaces"), next: answer.NextToken };
  },
  ({ NetworkInterfaceId, TagSet }) => itemOf(NetworkInterfaceId, TagSet, 0),
);

export const securityGroups = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeSecurityGroupsCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.SecurityGroups, "SecurityGroups"), next: answer.NextToken };
  },
  ({ GroupId, Tags }) => itemOf(GroupId, Tags, 0),
);

export const vpcs = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeVpcsCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.Vpcs, "Vpcs"), next: answer.NextToken };
  },
  ({ VpcId, Tags }) => itemOf(VpcId, Tags, 0),
);

export const subnets = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeSubnetsCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.Subnets, "Subnets"), next: answer.NextToken };
  },
  ({ SubnetId, Tags }) => itemOf(SubnetId, Tags, 0),
);

export const routeTables = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeRouteTablesCommand({ Filters, NextToken, MaxResults: 100 });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.RouteTables, "RouteTables"), next: answer.NextToken };
  },
  ({ RouteTableId, Tags }) => itemOf(RouteTableId, Tags, 0),
);

export const internetGateways = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeInternetGatewaysCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.InternetGateways, "InternetGateways"), next: answer.NextToken };
  },
  ({ InternetGatewayId, Tags }) => itemOf(InternetGatewayId, Tags, 0),
);

export const dhcpOptions = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeDhcpOptionsCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.DhcpOptions, "DhcpOptions"), next: answer.NextToken };
  },
  ({ DhcpOptionsId, Tags }) => itemOf(DhcpOptionsId, Tags, 0),
);

export const vpcEndpoints = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeVpcEndpointsCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.VpcEndpoints, "VpcEndpoints"), next: answer.NextToken };
  },
  ({ VpcEndpointId, Tags, State, CreationTimestamp }) =>
    State?.toLowerCase() === "deleted" ? null : itemOf(VpcEndpointId, Tags, null, CreationTimestamp),
);
