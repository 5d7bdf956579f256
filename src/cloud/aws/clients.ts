import { LabkeeperError } from "../../errors.ts";
import { type AwsAccount, type AwsCredentials, accountCredentials } from "./credentials.ts";

/** Loaded when first used: each costs some 20 to 200 ms, and most commands need none of them. */
const SERVICES = {
  ec2: async () => (await import("@aws-sdk/client-ec2")).EC2Client,
  elb: async () => (await import("@aws-sdk/client-elastic-load-balancing")).ElasticLoadBalancingClient,
  elbv2: async () => (await import("@aws-sdk/client-elastic-load-balancing-v2")).ElasticLoadBalancingV2Client,
  iam: async () => (await import("@aws-sdk/client-iam")).IAMClient,
  route53: async () => (await import("@aws-sdk/client-route-53")).Route53Client,
  s3: async () => (await import("@aws-sdk/client-s3")).S3Client,
  secrets: async () => (await import("@aws-sdk/client-secrets-manager")).SecretsManagerClient,
  quotas: async () => (await import("@aws-sdk/client-service-quotas")).ServiceQuotasClient,
  sts: async () => (await import("@aws-sdk/client-sts")).STSClient,
  tagging: async () => (await import("@aws-sdk/client-resource-groups-tagging-api")).ResourceGroupsTaggingAPIClient,
} as const;

export type AwsService = keyof typeof SERVICES;
export type AwsClient<S extends AwsService> = InstanceType<Awaited<ReturnType<(typeof SERVICES)[S]>>>;

export interface AwsSettings {
  readonly accounts: Readonly<Record<string, AwsAccount>>;
  /** labkeeper's own, for the user agent. */
  readonly version: string;
  /** Buckets in the path instead of the host name: for an endpoint that is not AWS itself. */
  readonly pathStyle?: boolean;
}

export interface AwsClients {
  /**
   * The client of one service in one account (null: the default credentials) and region (null: the account's, else what
   * the environment or profile says; global services take any). Rejects with LK7001 when there is no such account or
   * nothing says which region.
   */
  client<S extends AwsService>(service: S, account: string | null, region: string | null): Promise<AwsClient<S>>;
  /** Short-lived where the account has a role. @throws LK6108, LK7001 */
  credentials(account: string | null): AwsCredentials;
  /** False where it is the default credentials, under whatever name. @throws LK7001 */
  assumesRole(account: string | null): boolean;
  /** Names under `accounts:`. */
  readonly accounts: readonly string[];
  /** Ends idle connections. */
  close(): void;
}

/** The first request and three more, with the SDK's own pauses in between: about 10 s until throttling is told. */
const ATTEMPTS = 4;
/** Milliseconds. A request ends some time, whatever the network does; a part of an upload is 8 MiB. */
const TIMEOUTS = {
  connectionTimeout: 5_000,
  socketTimeout: 30_000,
  requestTimeout: 60_000,
  throwOnRequestTimeout: true,
};

/** `AWS_ENDPOINT_URL`, profiles and the like are the SDK's own business and respected by every client. */
export function awsClients(settings: AwsSettings): AwsClients {
  const credentials = new Map<string | null, AwsCredentials>();
  const clients = new Map<string, Promise<{ destroy(): void }>>();

  const accountOf = (name: string | null): AwsAccount | undefined => {
    if (name === null) return undefined;
    if (Object.hasOwn(settings.accounts, name)) return settings.accounts[name];
    throw new LabkeeperError("LK7001", `there is no account ${JSON.stringify(name)} under accounts:`);
  };

  const credentialsOf = (name: string | null): AwsCredentials => {
    const account = accountOf(name);
    const found = credentials.get(name) ?? accountCredentials(name, account);
    credentials.set(name, found);
    return found;
  };

  const make = async (service: AwsService, account: string | null, region: string | null) => {
    const Client = (await SERVICES[service]()) as new (
      config: object,
    ) => {
      config: { region(): Promise<string> };
      destroy(): void;
    };
    const client = new Client({
      credentials: credentialsOf(account),
      ...(region === null ? {} : { region }),
      maxAttempts: ATTEMPTS,
      requestHandler: TIMEOUTS,
      customUserAgent: [["labkeeper", settings.version]],
      ...(service === "s3" && settings.pathStyle === true ? { forcePathStyle: true } : {}),
    });
    await client.config.region().catch((cause: unknown) => {
      throw new LabkeeperError("LK7001", "nothing says which AWS region", {
        cause,
        remedy: "Set AWS_REGION, or `region` of the account.",
      });
    });
    return client;
  };

  return {
    accounts: Object.keys(settings.accounts),
    credentials: credentialsOf,
    assumesRole: (name) => accountOf(name)?.roleArn !== undefined,
    client: async <S extends AwsService>(service: S, account: string | null, region: string | null) => {
      const where = region ?? accountOf(account)?.region ?? null;
      const key = JSON.stringify([service, account, where]);
      const found = clients.get(key) ?? make(service, account, where);
      clients.set(key, found);
      // Not kept when it failed: the environment's files may be mended meanwhile.
      found.catch(() => clients.delete(key));
      return (await found) as AwsClient<S>;
    },
    close: () => {
      for (const client of clients.values()) client.then((made) => made.destroy()).catch(() => undefined);
      clients.clear();
    },
  };
}
