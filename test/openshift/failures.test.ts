import { describe, expect, test } from "vitest";
import { FAILURES, type FailureClass, failureIn, failureScan } from "../../src/core/openshift/failures.ts";
import { ERRORS } from "../../src/errors.ts";

/** Lines as the installer, Terraform, Cluster API and the clouds' SDKs word them, with invented ids. */
const LINES: readonly (readonly [FailureClass, string])[] = [
  [
    "quota",
    'failed to fetch Cluster: failed to fetch dependency of "Cluster": failed to generate asset "Platform Quota Check": error(MissingQuota): ec2/L-1216C47A is not available in us-east-1 because the required number of resources (44) is more than the limit of 32',
  ],
  [
    "quota",
    "Error: error creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket",
  ],
  ["quota", "failed to create VPC: VpcLimitExceeded: The maximum number of VPCs has been reached. status code: 400"],
  ["quota", "Error: Error creating EIP: AddressLimitExceeded: The maximum number of addresses has been reached."],
  [
    "quota",
    "Error creating NAT Gateway: NatGatewayLimitExceeded: Performing this operation would exceed the limit of 5 NAT gateways",
  ],
  ["quota", "TooManyBuckets: You have attempted to create more buckets than allowed"],
  ["quota", "TooManyLoadBalancers: Exceeded quota of account 123456789012"],
  ["quota", "LimitExceeded: Cannot exceed quota for RolesPerAccount: 1000"],
  ["quota", "InternetGatewayLimitExceeded: The maximum number of internet gateways has been reached."],
  ["quota", "VolumeLimitExceeded: You have exceeded your maximum gp3 storage limit of 50 TiB in this region"],
  ["quota", "ibm: error creating instance: Quota exceeded for vCPU, code: over_quota"],
  ["credentials", "InvalidClientTokenId: The security token included in the request is invalid."],
  [
    "credentials",
    "UnauthorizedOperation: You are not authorized to perform this operation. Encoded authorization failure message: kJh2",
  ],
  [
    "credentials",
    'failed to fetch dependency of "Cluster": failed to generate asset "Platform Permissions Check": validate AWS credentials: current credentials insufficient for performing cluster installation',
  ],
  [
    "credentials",
    "AccessDenied: User: arn:aws:iam::123456789012:user/labs is not authorized to perform: iam:CreateRole",
  ],
  ["credentials", "ExpiredToken: The security token included in the request is expired"],
  ["credentials", "AuthFailure: AWS was not able to validate the provided access credentials"],
  ["credentials", "AccessDenied: creating role with an explicit deny in a service control policy"],
  ["credentials", "PendingVerification: Your request for accessing resources in this region is being validated"],
  ["credentials", "NoCredentialProviders: no valid providers in chain. Deprecated."],
  ["credentials", "Provided API key could not be found."],
  ["dns", 'platform.aws.hostedZone: Invalid value: "Z012": unable to retrieve hosted zone'],
  [
    "dns",
    'metadata.name: Invalid value: "team-a-test-01": record(s) ["api.team-a-test-01.labs.example.com."] already exists in DNS Zone (/hostedzone/Z012) and might be in use by another cluster, please remove it to continue',
  ],
  ["dns", 'No public route53 zone found matching name "labs.example.com."'],
  [
    "dns",
    "aws_route53_record.api: Error building changeset: InvalidChangeBatch: [Tried to create resource record set [name='api.x.', type='A'] but it already exists]",
  ],
  ["dns", "data.aws_route53_zone.public: no matching Route53Zone found"],
  [
    "dns",
    'Get "https://api.team-a-test-01.labs.example.com:6443/version": dial tcp: lookup api.team-a-test-01.labs.example.com on 10.0.0.2:53: no such host',
  ],
  [
    "capacity",
    "InsufficientInstanceCapacity: We currently do not have sufficient m6i.xlarge capacity in the Availability Zone you requested (us-east-1e). Our system will be working on provisioning additional capacity.",
  ],
  [
    "capacity",
    "Unsupported: Your requested instance type (m6i.xlarge) is not supported in your requested Availability Zone (us-east-1e).",
  ],
  ["capacity", "InsufficientFreeAddressesInSubnet: The specified subnet does not have enough free addresses"],
  ["throttling", "error simulating policy: Throttling: Rate exceeded status code: 400"],
  ["throttling", "RequestLimitExceeded: Request limit exceeded. status code: 503"],
  [
    "throttling",
    "error waiting for Route53 Hosted Zone (Z012) creation: timeout while waiting for state to become 'INSYNC' (last state: 'PENDING', timeout: 30m0s)",
  ],
  ["throttling", "SlowDown: Please reduce your request rate."],
  [
    "configuration",
    'failed to load asset "Install Config": failed to create install config: invalid "install-config.yaml" file: controlPlane.replicas: Invalid value: 2',
  ],
  [
    "configuration",
    "platform.aws.subnets: Invalid value: CIDR range start 10.1.0.0 is outside of the specified machine networks",
  ],
  ["configuration", "No public subnet provided for zone us-east-1c"],
  ["configuration", "InvalidSubnetID.NotFound: The subnet ID 'subnet-0a' does not exist"],
  [
    "bootstrap",
    "Failed waiting for Kubernetes API. This error usually happens when there is a problem on the bootstrap host that prevents creating a temporary control plane.",
  ],
  [
    "bootstrap",
    "Failed to wait for bootstrapping to complete. This error usually happens when there is a problem with control plane hosts that prevents the control plane operators from creating the control plane.",
  ],
  ["bootstrap", "Bootstrap failed to complete: timed out waiting for the condition"],
  ["bootstrap", "waiting for Kubernetes API: context deadline exceeded"],
  [
    "bootstrap",
    "error pinging docker registry quay.io: Get https://quay.io/v2/: proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout",
  ],
  ["operators", "failed to initialize the cluster: Some cluster operators are still updating: authentication, console"],
  ["operators", "failed to initialize the cluster: Cluster operators authentication, ingress are not available"],
  ["operators", "Cluster operator monitoring Degraded is True with UpdatingPrometheusFailed"],
  ["operators", "Cluster operators are not stable: context deadline exceeded"],
  ["timeout", "timed out waiting for the condition"],
  ["timeout", "net/http: TLS handshake timeout"],
  ["interrupted", "Received interrupt signal"],
];

describe("a line of a failed install", () => {
  test("there are at least forty kinds of", () => {
    expect(LINES.length).toBeGreaterThanOrEqual(40);
  });

  test.each(LINES)("%s: %s", (expected, message) => {
    expect(failureIn(message)?.class).toBe(expected);
    const scan = failureScan();
    scan.push(`level=error msg=${JSON.stringify(message)}`);
    const { kind, line } = scan.result(4);
    expect(kind.class).toBe(expected);
    expect(line).toBe(message.slice(0, 4_000));
  });

  test.each([
    "Waiting up to 20m0s for the Kubernetes API at https://api.lab.example.com:6443...",
    "Destroying the bootstrap resources...",
    "something nobody has seen before",
    "",
  ])("%j shows nothing", (message) => {
    expect(failureIn(message)).toBeNull();
  });
});

describe("a failed install", () => {
  const resultOf = (lines: readonly string[], exitCode: number | null) => {
    const scan = failureScan();
    for (const line of lines) scan.push(line);
    return scan.result(exitCode);
  };

  test("is told by its cause rather than by its last line", () => {
    const { kind, line } = resultOf(
      [
        'level=error msg="VcpuLimitExceeded: You have requested more vCPU capacity"',
        'level=fatal msg="failed to wait for bootstrapping to complete: timed out waiting for the condition"',
      ],
      5,
    );
    expect(kind.class).toBe("quota");
    expect(line).toContain("VcpuLimitExceeded");
  });

  test("is not told by warnings and debug lines, which the installer deals with", () => {
    const lines = [
      'level=debug msg="Throttling: Rate exceeded, retrying"',
      'level=warning msg="VpcLimitExceeded in another region"',
      'level=info msg="accessdenied"',
    ];
    expect(resultOf(lines, 1)).toMatchObject({ kind: { class: "unknown" }, line: null });
  });

  test.each<[number | null, FailureClass]>([
    [1, "unknown"],
    [3, "configuration"],
    [4, "unknown"],
    [5, "bootstrap"],
    [6, "operators"],
    [7, "operators"],
    [8, "interrupted"],
    [99, "unknown"],
    [null, "unknown"],
  ])("without a word ends by its exit code %s as %s", (code, expected) => {
    expect(resultOf([], code).kind.class).toBe(expected);
  });

  test("that was interrupted is interrupted, whatever it says on the way out", () => {
    expect(resultOf(['level=error msg="AccessDenied while stopping"'], 8).kind.class).toBe("interrupted");
  });

  test("keeps what the installer said last, also when nobody knows what it means", () => {
    expect(resultOf(['level=fatal msg="gremlins"'], 1)).toMatchObject({ kind: { class: "unknown" }, line: "gremlins" });
  });

  test("in fifty megabytes of log is found in linear time", () => {
    const scan = failureScan();
    const line = `level=error msg="${"tried to create resource record set ".repeat(1_400)}"`;
    const started = performance.now();
    for (let bytes = 0; bytes < 50 * 1024 ** 2; bytes += line.length) scan.push(line);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(scan.result(1).kind.class).toBe("unknown");
  });
});

describe("the table of failures", () => {
  test("has a class once, a remedy for each, and an error code for each", () => {
    const classes = FAILURES.map((kind) => kind.class);
    expect(new Set(classes).size).toBe(classes.length);
    for (const kind of FAILURES) {
      expect(kind.remedy).toMatch(/^[A-Z].+\.$/s);
      expect(ERRORS[kind.code]).toMatchObject({ disposition: kind.disposition });
      expect(kind.signs).toEqual(kind.signs.map((sign) => sign.toLowerCase()));
    }
  });
});
