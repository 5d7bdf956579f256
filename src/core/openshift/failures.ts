/** What a failed run of the installer means, and what helps. Told from its exit code and its log. */

import { parseLogLine } from "./log-line.ts";

export type FailureClass =
  | "quota"
  | "credentials"
  | "dns"
  | "configuration"
  | "capacity"
  | "throttling"
  | "bootstrap"
  | "operators"
  | "timeout"
  | "interrupted"
  | "unknown";

export type FailureCode =
  | "LK5210"
  | "LK5211"
  | "LK5212"
  | "LK5213"
  | "LK5214"
  | "LK5215"
  | "LK5216"
  | "LK5217"
  | "LK5218"
  | "LK5219"
  | "LK5220";

export interface FailureKind {
  readonly class: FailureClass;
  readonly code: FailureCode;
  /** retry: soon · wait: when something outside changed · stop: a person has to act. */
  readonly disposition: "retry" | "wait" | "stop";
  readonly remedy: string;
  /** True where the cluster may still become ready although this run gave up on it. */
  readonly mayFinish: boolean;
  /**
   * Texts of log lines, in lower case. `…` stands for anything between two parts, which must come in this order: found by
   * plain search, so that a hostile line costs no more than its length.
   */
  readonly signs: readonly string[];
}

/** Causes before symptoms: the first kind that a line shows is what it is. */
export const FAILURES: readonly FailureKind[] = [
  {
    class: "quota",
    code: "LK5210",
    disposition: "wait",
    remedy: "Ask the cloud for a higher quota or remove what uses it up; it is tried again by itself.",
    mayFinish: false,
    signs: [
      "vcpulimitexceeded",
      "vpclimitexceeded",
      "natgatewaylimitexceeded",
      "addresslimitexceeded",
      "internetgatewaylimitexceeded",
      "securitygrouplimitexceeded",
      "rulespersecuritygrouplimitexceeded",
      "networkinterfacelimitexceeded",
      "volumelimitexceeded",
      "instancelimitexceeded",
      "maxspotinstancecountexceeded",
      "toomanybuckets",
      "toomanyloadbalancers",
      "toomanytargetgroups",
      "toomanyhostedzones",
      "limitexceeded: cannot exceed quota for",
      "limitexceededexception: cannot exceed quota",
      "platform quota check…missingquota",
      "required number of resources…is more than",
      "quota_exceeded",
      "over_quota",
      "exceeds quota",
      "quota exceeded",
      "exceeded quota",
      "exceed the quota",
    ],
  },
  {
    class: "credentials",
    code: "LK5211",
    disposition: "stop",
    remedy: "Mend the account's credentials or permissions (docs/openshift.md lists them), then `labkeeper retry LAB`.",
    mayFinish: false,
    signs: [
      "invalidclienttokenid",
      "signaturedoesnotmatch",
      "expiredtoken",
      "authfailure",
      "unauthorizedoperation",
      "unrecognizedclientexception",
      "accessdenied",
      "access denied",
      "is not authorized to perform",
      "credentials insufficient for performing cluster installation",
      "current credentials insufficient",
      "nocredentialproviders",
      "no valid credential sources",
      "failed to retrieve credentials",
      "explicit deny in a service control policy",
      "optinrequired",
      "pendingverification",
      "account is currently blocked",
      "iam token…invalid",
      "provided api key could not be found",
      "error validating aws credentials",
      "client error on launch",
    ],
  },
  {
    class: "dns",
    code: "LK5212",
    disposition: "stop",
    remedy:
      "Check the base domain's public hosted zone and that no record of this name is in it, then `labkeeper retry LAB`.",
    mayFinish: false,
    signs: [
      "no public route53 zone found",
      "no matching route53zone found",
      "no hosted zone found",
      "could not find public zone",
      "multiple route53zone found",
      "tried to create resource record set…but it already exists",
      "invalidchangebatch",
      "nosuchhostedzone",
      "conflictingdomainexists",
      "already has a record",
      "platform.aws.hostedzone: invalid value",
      "metadata.name: invalid value…record(s)",
      "cluster name…is already in use",
      "basedomain: invalid value",
      "lookup api.…no such host",
      "zone…dns…not found in cis",
    ],
  },
  {
    class: "capacity",
    code: "LK5213",
    disposition: "retry",
    remedy:
      "The cloud has no free machines of this type there now; it is tried again. If it stays, use another type or region.",
    mayFinish: false,
    signs: [
      "insufficientinstancecapacity",
      "insufficienthostcapacity",
      "insufficientcapacity",
      "insufficient capacity",
      "insufficientfreeaddressesinsubnet",
      "does not have sufficient capacity",
      "do not have sufficient…capacity",
      "not supported in your requested availability zone",
      "unsupported: your requested instance type",
      "no_capacity",
      "vpe_no_capacity",
      "out of capacity",
    ],
  },
  {
    class: "throttling",
    code: "LK5214",
    disposition: "retry",
    remedy: "Nothing to do: it is tried again, later each time. If it stays, lower the number of concurrent creates.",
    mayFinish: false,
    signs: [
      "throttling: rate exceeded",
      "throttlingexception",
      "throttlederror",
      "requestlimitexceeded",
      "request limit exceeded",
      "toomanyrequests",
      "too many requests",
      "priorrequestnotcomplete",
      "slowdown: please reduce your request rate",
      "rate limit exceeded",
      "timeout while waiting for state to become 'insync'",
    ],
  },
  {
    class: "configuration",
    code: "LK5215",
    disposition: "stop",
    remedy: "Mend the profile or the lab's file: the installer refuses this configuration. Then `labkeeper retry LAB`.",
    mayFinish: false,
    signs: [
      'invalid "install-config.yaml" file',
      "invalid install-config",
      'failed to load asset "install config"',
      "failed to fetch install config",
      "failed to unmarshal install-config",
      "no public subnet provided for zone",
      "private subnet…is also in zone",
      "is outside of the specified machine networks",
      "the subnet id…does not exist",
      "the vpc id…does not exist",
      "platform.aws.usertags…invalid value",
      "controlplane.platform.aws.type: invalid value",
      "compute[0].platform.aws.type: invalid value",
      "unknown field",
    ],
  },
  {
    class: "interrupted",
    code: "LK5219",
    disposition: "retry",
    remedy: "Nothing to do: it goes on with the next worker.",
    mayFinish: true,
    signs: ["received interrupt signal", "interrupt received", "signal: interrupt", "context canceled"],
  },
  {
    class: "bootstrap",
    code: "LK5216",
    disposition: "retry",
    remedy:
      "Read the log bundle kept with the lab's artifacts. Often the nodes could not pull images: check the pull secret and the network.",
    mayFinish: false,
    signs: [
      "failed waiting for kubernetes api",
      "waiting for kubernetes api: context deadline exceeded",
      "failed to wait for bootstrapping to complete",
      "bootstrap failed to complete",
      "bootstrap gather",
      "waiting for bootstrap-complete",
      "failed to bootstrap",
      "control-plane machines are not ready",
      "error pinging docker registry",
      "bootstrap host…cannot",
    ],
  },
  {
    class: "operators",
    code: "LK5217",
    disposition: "retry",
    remedy: "See which operators the log names. The cluster is looked at again before it is made anew.",
    mayFinish: true,
    signs: [
      "failed to initialize the cluster",
      "some cluster operators are still updating",
      "cluster operators…are not available",
      "cluster operator…is not available",
      "cluster operator…degraded is true",
      "some cluster operators are not stable",
      "cluster operators are not stable",
      "have not yet successfully rolled out",
      "could not update…the server is down or not responding",
      "route openshift-console/console…not",
    ],
  },
  {
    class: "timeout",
    code: "LK5218",
    disposition: "retry",
    remedy: "Nothing to do: the cluster is looked at first, because clusters do finish late.",
    mayFinish: true,
    signs: [
      "context deadline exceeded",
      "timed out waiting for",
      "timeout while waiting for",
      "i/o timeout",
      "tls handshake timeout",
    ],
  },
  {
    class: "unknown",
    code: "LK5220",
    disposition: "retry",
    remedy: "Read the lab's log (`labkeeper logs LAB`) and the installer's log kept with its artifacts.",
    mayFinish: false,
    signs: [],
  },
];

const signs = FAILURES.map((kind) => ({ kind, parts: kind.signs.map((sign) => sign.split("…")) }));

const shows = (line: string, parts: readonly string[]): boolean => {
  let from = 0;
  for (const part of parts) {
    const at = line.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return true;
};

const kindOf = (name: FailureClass): FailureKind => {
  const found = FAILURES.find((kind) => kind.class === name);
  if (found === undefined) throw new RangeError(`no failure class ${name}`);
  return found;
};

/** The failure that one message shows; null when it shows none. */
export function failureIn(message: string): FailureKind | null {
  const line = message.toLowerCase();
  return signs.find(({ parts }) => parts.some((each) => shows(line, each)))?.kind ?? null;
}

/** What an exit code says when the log says nothing. The codes have changed between releases. */
const BY_EXIT_CODE: ReadonlyMap<number, FailureClass> = new Map([
  [3, "configuration"],
  [5, "bootstrap"],
  [6, "operators"],
  [7, "operators"],
  [8, "interrupted"],
]);

/** What stands at the end of a chain of causes rather than being one. */
const SYMPTOMS: ReadonlySet<FailureClass> = new Set(["bootstrap", "operators", "timeout", "interrupted"]);

export interface FailureFound {
  readonly kind: FailureKind;
  /** The line that tells it best, as the installer wrote it; null when it left none. */
  readonly line: string | null;
}

export interface FailureScan {
  push(raw: string): void;
  /** @param exitCode null: killed by a signal */
  result(exitCode: number | null): FailureFound;
}

/**
 * Reads a log line by line. Only errors and what ended the run count: the installer and its providers warn of much that
 * they then deal with. A cause found in an error outweighs the symptom that the last line names.
 */
export function failureScan(): FailureScan {
  const last = new Map<FailureClass, string>();
  let fatal: string | null = null;
  let lastError: string | null = null;
  return {
    push(raw) {
      const { level, message } = parseLogLine(raw);
      if (level !== "error" && level !== "fatal") return;
      if (message === "") return;
      if (level === "fatal") fatal = message;
      else lastError = message;
      const kind = failureIn(message);
      // The last word of each class: earlier ones may have been dealt with.
      if (kind !== null) last.set(kind.class, message);
    },
    result(exitCode) {
      const shown = FAILURES.filter((kind) => last.has(kind.class));
      const byCode = exitCode === null ? undefined : BY_EXIT_CODE.get(exitCode);
      const cause = shown.find((kind) => !SYMPTOMS.has(kind.class));
      const said = byCode === "interrupted" ? kindOf("interrupted") : cause;
      const kind = said ?? (byCode === undefined ? shown[0] : kindOf(byCode)) ?? kindOf("unknown");
      return { kind, line: last.get(kind.class) ?? fatal ?? lastError };
    },
  };
}
