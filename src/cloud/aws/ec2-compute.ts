/** Instances and what they run from. */

import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { dailyPrice } from "../../core/prices.ts";
import { itemOf, kind, PAGE } from "./ec2-kind.ts";
import { ask, given } from "./look.ts";

/** Stay listed as `terminated` for about an hour. */
export const instances = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeInstancesCommand({ Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    const items = given(answer.Reservations, "Reservations").flatMap(({ Instances }) => Instances ?? []);
    return { items, next: answer.NextToken };
  },
  ({ InstanceId, Tags, LaunchTime, InstanceType: instanceType, State }) =>
    State?.Name === "terminated"
      ? null
      : itemOf(
          InstanceId,
          Tags,
          dailyPrice({ type: "ec2:instance", instanceType, stopped: State?.Name === "stopped" }),
          LaunchTime,
        ),
);

export const volumes = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeVolumesCommand({ Filters, NextToken, MaxResults: 500 });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.Volumes, "Volumes"), next: answer.NextToken };
  },
  ({ VolumeId, Tags, CreateTime, VolumeType: volumeType, Size: gigabytes }) =>
    itemOf(VolumeId, Tags, dailyPrice({ type: "ec2:volume", volumeType, gigabytes }), CreateTime),
);

export const snapshots = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.Snapshots, "Snapshots"), next: answer.NextToken };
  },
  ({ SnapshotId, Tags, StartTime }) => itemOf(SnapshotId, Tags, null, StartTime),
);

export const images = kind(
  async (look, ec2, Filters, NextToken) => {
    const command = new DescribeImagesCommand({ Owners: ["self"], Filters, NextToken, MaxResults: PAGE });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.Images, "Images"), next: answer.NextToken };
  },
  ({ ImageId, Tags, CreationDate }) =>
    itemOf(ImageId, Tags, null, CreationDate === undefined ? undefined : new Date(CreationDate)),
);
