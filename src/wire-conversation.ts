/** The part of the wiring that joins what labkeeper says on pull requests. */

import type { CatalogHistory, CatalogSource } from "./catalog-ports.ts";
import type { Config } from "./config.ts";
import { type Conversation, conversation } from "./conversation.ts";
import { pace, WRITES } from "./core/pace.ts";
import { readPolicy } from "./core/policy.ts";
import type { CatalogEntry } from "./core/types.ts";
import { LabkeeperError } from "./errors.ts";
import type { CatalogFileSource, Host, ProposalSource } from "./github-ports.ts";
import { ownRequests } from "./own-requests.ts";
import type { ArtifactStore, Clock } from "./ports.ts";
import type { Store } from "./store/open.ts";

/** A catalog that can also be read as pull requests would leave it. */
export type ReviewableCatalog = CatalogSource & ProposalSource & CatalogFileSource & CatalogHistory;

export interface ConversationParts {
  readonly config: Config;
  readonly host: Host;
  readonly catalog: ReviewableCatalog;
  readonly store: Store;
  readonly artifacts: ArtifactStore;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly clock: Clock;
  readonly holder: string;
  /** Told of what harms one pull request, or what a reconcile goes on without. */
  onError(error: unknown, pullRequest: number | null): void;
}

export const wireConversation = async (parts: ConversationParts): Promise<Conversation> => {
  const { config, host, catalog, store, artifacts, shippedProfiles, clock, holder, onError } = parts;
  const branch = await catalog.branch();
  if (branch === null) {
    throw new LabkeeperError("LK7001", "pull requests are merged into a branch, and the catalog follows none", {
      remedy: "Set LABKEEPER_CATALOG_REF to a branch, or leave GitHub out of the configuration.",
    });
  }
  const unpaced = config.github?.paced === false;
  const requests = ownRequests({ host, catalog, store, branch });
  return conversation({
    review: { host, catalog, store, shippedProfiles, clock, branch, memory: new Map(), onError },
    comments: {
      host,
      store,
      requests,
      clock,
      branch,
      policy: async (signal) =>
        readPolicy(await catalog.policyFiles(await catalog.head(signal)), shippedProfiles).policy,
    },
    requests,
    reports: {
      host,
      store,
      artifacts,
      clock,
      branch,
      pace: pace(unpaced ? UNPACED : WRITES, clock.monotonic),
      ...(unpaced && { betweenEdits: 0 }),
      credentialsUrl: credentialsUrl(config),
    },
    store,
    clock,
    holder,
  });
};

/** For a GitHub of this machine's own: nobody's limits are to be spared. */
const UNPACED = { perMinute: 100_000, perHour: 1_000_000 };

/**
 * The page of AWS's console that shows a lab's secret to whoever AWS lets see it, and records who looked. There is no
 * such page for a folder: then the command line it is.
 */
const credentialsUrl =
  ({ secrets, environment }: Config) =>
  (labId: string): string | null => {
    if (secrets.kind !== "aws-secrets-manager") return null;
    const region = secrets.region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
    if (region === undefined) return null;
    const url = new URL(`https://${encodeURIComponent(region)}.console.aws.amazon.com/secretsmanager/secret`);
    url.searchParams.set("name", `labkeeper/labs/${labId}`);
    url.searchParams.set("region", region);
    return url.href;
  };
