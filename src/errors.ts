/**
 * The catalogue of everything that can go wrong, with what should happen next.
 * `docs/errors.md` lists the same codes; a test holds the two together.
 */

import { DOCUMENT_CODES } from "./core/document-codes.ts";

export type Disposition = "retry" | "wait" | "stop";

interface Entry {
  /** retry: try again soon · wait: try again when something else changed · stop: a person has to act. */
  readonly disposition: Disposition;
  readonly title: string;
  readonly remedy: string;
}

const entry = (disposition: Disposition, title: string, remedy: string): Entry => ({ disposition, title, remedy });

const stopAll = <Code extends string>(
  codes: Record<Code, { readonly title: string; readonly remedy: string }>,
): Record<Code, Entry> => {
  const entries = {} as Record<Code, Entry>;
  for (const code in codes) entries[code] = entry("stop", codes[code].title, codes[code].remedy);
  return entries;
};

/**
 * LK1: catalog and git · LK2: documents · LK3: plan, guards, commands · LK4: store, queue, leases ·
 * LK5: provisioners · LK6: artifacts and secrets · LK7: configuration, command line, embedded Postgres ·
 * LK8: GitHub and pull requests.
 */
export const ERRORS = {
  LK1001: entry(
    "retry",
    "catalog cannot be fetched",
    "Check the URL, the network and the credentials; labs stay as they are until it can be read.",
  ),
  LK1002: entry(
    "stop",
    "catalog is not a git repository",
    "Point LABKEEPER_CATALOG at a git repository (a path or an http(s) URL).",
  ),
  LK1003: entry("stop", "catalog reference does not exist", "Set LABKEEPER_CATALOG_REF to a branch that exists."),
  LK1004: entry(
    "stop",
    "catalog object cannot be read",
    "Check the repository with `git fsck`; labs stay as they are.",
  ),
  LK1005: entry(
    "stop",
    "catalog address is not supported",
    "Use a path or an http(s) URL without user name or password.",
  ),
  ...stopAll(DOCUMENT_CODES),
  LK3001: entry("stop", "no such lab", "See `labkeeper status`."),
  LK3002: entry("stop", "no such hold", "See `labkeeper status`."),
  LK3003: entry("stop", "hold cannot be approved", "Only a change in the catalog releases it."),
  LK3004: entry("stop", "command does not fit the lab's state", "See `labkeeper status LAB`."),
  LK3005: entry("wait", "another process is reconciling", "Wait for it; only one reconciler runs at a time."),
  LK3006: entry("stop", "no such orphan", "See `labkeeper orphans list`."),
  LK4001: entry("retry", "database cannot be reached", "Check LABKEEPER_DATABASE_URL and the server."),
  LK4002: entry(
    "stop",
    "database schema is newer than this program",
    "Use a labkeeper at least as new as the one that migrated it.",
  ),
  LK4003: entry("stop", "database server is too old", "Use Postgres 15 or newer."),
  LK4004: entry("stop", "lease was lost", "Nothing to do: the job goes on under its new owner."),
  LK4005: entry("stop", "database refused the write", "This is a defect; report it with the event's correlation id."),
  LK4006: entry("stop", "migration failed", "Read the cause, mend it and run `labkeeper migrate` again."),
  LK4008: entry(
    "wait",
    "a supply does not suffice",
    "Wait for labs that end, or have the account's quota raised; it is tried again by itself.",
  ),
  LK4007: entry("stop", "database schema is older than this program", "Run `labkeeper migrate`."),
  LK5001: entry(
    "stop",
    "provisioner is not registered",
    "Register it in labkeeper's configuration; a catalog can only name one.",
  ),
  LK5002: entry("retry", "provisioner failed", "Read the lab's log: `labkeeper logs LAB`."),
  LK5003: entry("stop", "provisioner refused for good", "Read the lab's log: `labkeeper logs LAB`."),
  LK5004: entry("retry", "provisioner took too long", "Look at the lab; it may still finish."),
  LK5005: entry("stop", "provisioner broke its contract", "Fix the executable: see docs/provisioners.md."),
  LK5006: entry("retry", "lab does not answer after install", "Read the lab's log: `labkeeper logs LAB`."),
  LK5007: entry(
    "retry",
    "lab is still there after destroy",
    "It is tried again; look at what remains in `labkeeper status LAB`.",
  ),
  LK5008: entry(
    "retry",
    "lab could not be observed",
    "Check the provisioner's access; nothing counts as gone until it can be seen.",
  ),
  LK5009: entry("retry", "interrupted", "Nothing to do: it goes on with the next worker."),
  LK5010: entry(
    "stop",
    "job loses its workers",
    "Read the workers' own logs around these times; then `labkeeper retry LAB`.",
  ),
  LK5201: entry(
    "stop",
    "installer cannot be used",
    "Put openshift-install of this version where labkeeper looks for it: see docs/openshift.md.",
  ),
  LK5202: entry(
    "stop",
    "pull secret or SSH key cannot be used",
    "Store it in the secret store as `openshift/pull-secret` or `openshift/ssh-key`: see docs/openshift.md.",
  ),
  LK5203: entry(
    "stop",
    "install state cannot be used",
    "Read the message; docs/openshift.md says what can be rebuilt.",
  ),
  LK5210: entry(
    "wait",
    "cloud quota is used up",
    "Ask for a higher quota or remove what uses it up; it is tried again.",
  ),
  LK5211: entry("stop", "cloud refused the credentials", "Mend the account's permissions, then `labkeeper retry LAB`."),
  LK5212: entry(
    "stop",
    "DNS is not ready for the cluster",
    "Check the base domain's zone, then `labkeeper retry LAB`.",
  ),
  LK5213: entry("retry", "cloud has no capacity", "It is tried again; if it stays, use another type or region."),
  LK5214: entry("retry", "cloud throttles the installer", "Nothing to do: it is tried again, later each time."),
  LK5215: entry(
    "stop",
    "installer refuses the configuration",
    "Mend the profile or the lab's file, then `labkeeper retry LAB`.",
  ),
  LK5216: entry("retry", "cluster did not bootstrap", "Read the log bundle kept with the lab's artifacts."),
  LK5217: entry("retry", "cluster's operators are not available", "See which operators the lab's log names."),
  LK5218: entry(
    "retry",
    "installer gave up waiting",
    "Nothing to do: the cluster is looked at before it is made anew.",
  ),
  LK5219: entry("retry", "installer was interrupted", "Nothing to do: it goes on with the next worker."),
  LK5220: entry("retry", "installer failed", "Read the lab's log: `labkeeper logs LAB`."),
  LK5221: entry("retry", "destroy is not finished", "It goes on by itself; look at what remains in the lab's log."),
  LK5222: entry(
    "stop",
    "change cannot be made in place",
    "Take the change back, or have the lab replaced: remove its file, then add it again.",
  ),
  LK5301: entry(
    "stop",
    "cluster is not named exactly",
    "Nothing was asked of the cloud; a lab id, an infraID and a region must be given.",
  ),
  LK5302: entry("stop", "cloud account is another one", "Mend the account's role or credentials in the configuration."),
  LK5303: entry("stop", "hosted zone is missing", "Create the base domain's zone in Route 53, or mend the profile."),
  LK5304: entry(
    "stop",
    "cluster's name is taken in the zone",
    "Remove the records if nothing answers there any more, or give the lab another name.",
  ),
  LK5305: entry(
    "stop",
    "instance type is not offered",
    "Choose another instance type, region or zones in the profile.",
  ),
  LK5306: entry("stop", "service quota is too small", "Ask AWS for a higher quota, or make the lab smaller."),
  LK5307: entry("stop", "resource is not removed by labkeeper", "Remove it by hand, after looking at what it is."),
  LK5308: entry("retry", "resource cannot be removed", "Read the message: something may still use it."),
  LK5309: entry(
    "retry",
    "cloud cannot be asked",
    "Check the network and the account's permissions; it is tried again.",
  ),
  LK5310: entry(
    "stop",
    "credentials do not fit the credentials mode",
    "Set credentialsMode to Manual in the profile, or give the account's long-lived keys.",
  ),
  LK6001: entry("retry", "artifact cannot be written or read", "Check LABKEEPER_ARTIFACTS and the space on it."),
  LK6002: entry("retry", "secret cannot be written or read", "Check LABKEEPER_SECRETS and its key."),
  LK6003: entry("stop", "secret store's key is wrong or lost", "Restore the key file that encrypted these secrets."),
  LK6101: entry("stop", "bucket does not exist", "Create it as docs/openshift.md says, or mend LABKEEPER_ARTIFACTS."),
  LK6102: entry("retry", "AWS refused access", "Give labkeeper's role the permissions that docs/openshift.md lists."),
  LK6103: entry("stop", "bucket is in another region", "Set the region that the message names."),
  LK6104: entry(
    "retry",
    "clock is wrong",
    "Set this host's clock by NTP: AWS refuses requests more than 15 minutes off.",
  ),
  LK6105: entry("retry", "AWS throttles", "Nothing to do: it is tried again, more slowly."),
  LK6106: entry("stop", "artifact exists with other content", "Find out who else writes there; nothing was replaced."),
  LK6107: entry("stop", "stored content is damaged", "Restore the version before it: the bucket or a backup has it."),
  LK6108: entry(
    "retry",
    "AWS credentials cannot be had",
    "Check the credential chain and the account's role; see `labkeeper doctor`.",
  ),
  LK6109: entry(
    "stop",
    "remembered lab cannot be read",
    "Run the version of labkeeper that wrote it, or restore the object; docs/operations.md says what it is for.",
  ),
  LK6110: entry(
    "stop",
    "lab was proven gone before the records were restored",
    "Remove its file and add it back: the lab is proven gone, then the later one is adopted.",
  ),
  LK7001: entry("stop", "configuration is not valid", "Fix the value named."),
  LK7002: entry("stop", "embedded Postgres cannot start", "Read the log named, or set LABKEEPER_DATABASE_URL."),
  LK7003: entry("stop", "input file or folder cannot be read", "Check the path and its permissions."),
  LK8001: entry("retry", "GitHub cannot be reached", "Nothing to do: labs do not wait for GitHub; it is tried again."),
  LK8002: entry(
    "stop",
    "GitHub refused",
    "Compare the App's permissions with `labkeeper github manifest`, and see `labkeeper doctor`.",
  ),
  LK8003: entry(
    "stop",
    "GitHub has no such thing, or does not show it",
    "Check the repository and the App's access to it.",
  ),
  LK8004: entry("retry", "file changed meanwhile", "Ask again: the request is made on the file as it is now."),
  LK8005: entry("retry", "pull request moved meanwhile", "Nothing to do: it is planned again."),
  LK8006: entry("wait", "GitHub limits the rate", "Nothing to do: reports are told later, labs do not wait for them."),
  LK8007: entry("stop", "GitHub credentials are not valid", "Set the App's id and private key, or GITHUB_TOKEN, anew."),
  LK8008: entry(
    "stop",
    "branch of labkeeper's is in somebody else's use",
    "Close what is on it and delete the branch; keep others from pushing to `labkeeper/`.",
  ),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

/** A remedy's commands with the lab's name for the placeholder. */
export const remedyFor = (lab: string, remedy: string): string =>
  remedy.replace(/`[^`]*`/g, (command) => command.replace(/\bLAB\b/g, () => lab));

/** An error that says what happened, why, and what to do. Never carries a secret. */
export class LabkeeperError extends Error {
  override readonly name = "LabkeeperError";
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly remedy: string;

  /** `detail` says what happened here; title and remedy come from the catalogue unless a better remedy is known. */
  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; remedy?: string; disposition?: Disposition } = {},
  ) {
    super(`${ERRORS[code].title}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.disposition = options.disposition ?? ERRORS[code].disposition;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
  }
}
