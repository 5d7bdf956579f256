/** What a failed call says beside its code. */

import { awsError, awsErrorName } from "./aws-error.ts";

/** Whether a service says that the one thing asked for does not exist. Never true for a refusal or an outage. */
export function isMissing(error: unknown): boolean {
  const name = awsErrorName(error);
  return MISSING.test(name);
}

/**
 * IAM `NoSuchEntity`, Route 53 `NoSuchHostedZone`, S3 `NoSuchBucket` and `NotFound`, both ELBs `LoadBalancerNotFound`
 * and `TargetGroupNotFound`, EC2 `InvalidVolume.NotFound`, `InvalidAllocationID.NotFound`, `NatGatewayNotFound`, …
 * (each service's API reference, "Errors"). The SDK adds `Exception` to some.
 */
const MISSING = /^(NoSuchEntity|NoSuchBucket|NoSuchHostedZone|NotFound|\w+NotFound|Invalid\w+\.NotFound)(Exception)?$/;

/** One line for people, without anything secret. */
export const failureText = (error: unknown, what: string): string => awsError(error, what, "LK5309").message;
