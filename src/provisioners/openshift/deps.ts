import type { CloudAccount, CloudInventory } from "../../cloud-ports.ts";
import type { ArtifactStore, SecretStore } from "../../ports.ts";
import type { Binaries } from "./binaries.ts";

/** What is known of one cloud. Without an inventory nothing in it can be proven gone; without an account, not checked. */
export interface Cloud {
  readonly inventory: CloudInventory | null;
  readonly account: CloudAccount | null;
}

export interface OpenshiftDeps {
  readonly binaries: Binaries;
  readonly artifacts: ArtifactStore;
  readonly secrets: Pick<SecretStore, "get">;
  /** Which labkeeper this is, for the tags of what it makes. */
  readonly installation: () => Promise<string>;
  /** By platform: `aws`, `ibmcloud`. */
  readonly clouds: ReadonlyMap<string, Cloud>;
  /** Where environment values come from: labkeeper's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The longest one destroy runs before it says what remains, minutes. Default 30. */
  readonly sliceMinutes?: number;
  /**
   * Between SIGINT and SIGKILL, seconds. Default 90; the installer takes up to 60 to stop its local controllers, so less
   * leaves it killed in the middle of a call.
   */
  readonly gracePeriodSeconds?: number;
  /** How far apart two looks of a receipt are, seconds. Default 60. */
  readonly observationGapSeconds?: number;
  /** Of an installer's log, what goes to the lab's log: characters a run. Default 8 Mi. */
  readonly maxLogChars?: number;
  /** How often it is asked whether an assumed role's session has a successor, seconds. Default 60. */
  readonly renewEverySeconds?: number;
  readonly now?: () => Date;
}

export const NO_CLOUD: Cloud = { inventory: null, account: null };
