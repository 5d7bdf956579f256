/** What an ARN says. */

/** `arn:aws:ec2:us-east-1:1234:vpc/vpc-1` is an `ec2:vpc`. */
export function typeOf(arn: string): string {
  const [, , service = "", , , ...rest] = arn.split(":");
  const resource = rest.join(":");
  if (service === "s3") return "s3:bucket";
  const kind = /^[A-Za-z-]+(?=[/:])/.exec(resource)?.[0] ?? "";
  if (service !== "elasticloadbalancing" || kind !== "loadbalancer")
    return kind === "" ? service : `${service}:${kind}`;
  const flavour = /^loadbalancer\/(net|app|gwy)\//.exec(resource)?.[1] ?? "classic";
  return `elasticloadbalancing:loadbalancer/${flavour}`;
}
