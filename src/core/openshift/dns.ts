/** The names that a cluster has in DNS, and nothing that only looks like them. */

export interface DnsCluster {
  readonly clusterName: string;
  readonly baseDomain: string;
}

const HOSTS = ["api", "api-int", "*.apps"] as const;

/** Of its records in the base domain's zone (openshift/installer, "DNS requirements"). */
export const recordNames = ({ clusterName, baseDomain }: DnsCluster): string[] =>
  HOSTS.map((host) => `${host}.${clusterName}.${baseDomain}`);

/** All names of the cluster that this name belongs to; null when it is no cluster's. */
export function namesBeside(name: string): string[] | null {
  const [, clusterName, baseDomain] =
    /^(?:api|api-int|\*\.apps)\.([a-z0-9-]+)\.((?:[a-z0-9-]+\.)+[a-z0-9-]+)$/.exec(name) ?? [];
  return clusterName === undefined || baseDomain === undefined ? null : recordNames({ clusterName, baseDomain });
}

const RECORD_ID = /^arn:[\w-]+:route53:::hostedzone\/[A-Z0-9]+\/[A-Z]+\/([^/]+)(?:\/.+)?$/;

/** The name of the record that an inventory gave this id; null when it is none. */
export const nameOfRecord = (id: string): string | null => RECORD_ID.exec(id)?.[1] ?? null;
