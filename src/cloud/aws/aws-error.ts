/** AWS's errors as labkeeper's. Codes: each service's API reference, "Common errors"; S3's "Error responses". */

import { redactedBeginning } from "../../core/redact.ts";
import { type ErrorCode, LabkeeperError } from "../../errors.ts";

const CODES: readonly (readonly [code: ErrorCode, names: readonly string[]])[] = [
  ["LK6101", ["NoSuchBucket"]],
  ["LK6103", ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"]],
  ["LK6104", ["RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"]],
  [
    "LK6105",
    [
      "BandwidthLimitExceeded",
      "EC2ThrottledException",
      "PriorRequestNotComplete",
      "RequestLimitExceeded",
      "RequestThrottled",
      "RequestThrottledException",
      "SlowDown",
      "ThrottledException",
      "Throttling",
      "ThrottlingException",
      "TooManyRequestsException",
    ],
  ],
  [
    "LK6108",
    [
      "AuthFailure",
      "CredentialsProviderError",
      "ExpiredToken",
      "ExpiredTokenException",
      "InvalidAccessKeyId",
      "InvalidClientTokenId",
      "InvalidSignatureException",
      "InvalidToken",
      "SignatureDoesNotMatch",
      "TokenRefreshRequired",
      "UnrecognizedClientException",
    ],
  ],
  [
    "LK6102",
    [
      "AccessDenied",
      "AccessDeniedException",
      "AccountProblem",
      "AllAccessDisabled",
      "DecryptionFailure",
      "EncryptionFailure",
      "Forbidden",
      "OptInRequired",
      "UnauthorizedOperation",
    ],
  ],
];

const BY_NAME = new Map(CODES.flatMap(([code, names]) => names.map((name) => [name, code] as const)));
/** Answers without a body (HEAD) have only these. */
const BY_STATUS = new Map<number, ErrorCode>([
  [301, "LK6103"],
  [401, "LK6108"],
  [403, "LK6102"],
  [429, "LK6105"],
]);

interface Answer {
  readonly name: string;
  readonly message: string;
  readonly status: number | null;
  readonly requestId: string | null;
  /** What S3 says about where a bucket is. */
  readonly bucketRegion: string | null;
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** The few fields that tell something, from whatever was thrown. */
function answerOf(error: unknown): Answer {
  const { name, message, code, Code, Region, $metadata, $response } = (error ?? {}) as Record<string, unknown>;
  const { httpStatusCode, requestId } = ($metadata ?? {}) as Record<string, unknown>;
  const { headers } = ($response ?? {}) as { headers?: Record<string, unknown> };
  // An error of the network has its reason in `code` (ECONNREFUSED); one without a known shape is named by `Code`.
  const generic = ["Error", "AggregateError", "UnknownError", "Unknown"].includes(String(name));
  return {
    name: (generic ? (text(code) ?? text(Code)) : null) ?? text(name) ?? "unknown error",
    // A parser quotes what it could not read, which may be a secret.
    message: error instanceof SyntaxError ? "the answer cannot be read" : (text(message) ?? ""),
    status: typeof httpStatusCode === "number" ? httpStatusCode : null,
    requestId: text(requestId),
    bucketRegion: text(headers?.["x-amz-bucket-region"]) ?? text(Region),
  };
}

/** The name of an AWS error (`NoSuchKey`), for the few that are answers rather than failures. */
export const awsErrorName = (error: unknown): string => answerOf(error).name;
export const awsStatus = (error: unknown): number | null => answerOf(error).status;

/** Services other than S3 tell a wrong clock only in words: "Signature expired: … is now earlier than …". */
const SKEWED = /^Signature (expired|not yet current)/;

const codeOf = ({ name, message, status }: Answer): ErrorCode | null => {
  if (SKEWED.test(message)) return "LK6104";
  if (name.startsWith("KMS.")) return "LK6102";
  return BY_NAME.get(name) ?? (status === null ? null : (BY_STATUS.get(status) ?? null));
};

/**
 * What a failed call to AWS means. `what` says what was tried; `fallback` is the code of everything that is neither the
 * account's, the clock's nor the load's fault. Neither message nor cause holds the request, its answer or any secret.
 */
export function awsError(error: unknown, what: string, fallback: ErrorCode): LabkeeperError {
  if (error instanceof LabkeeperError) return error;
  const answer = answerOf(error);
  const code = codeOf(answer) ?? fallback;
  const shown = redactedBeginning(answer.message, 400);
  const said = answer.message === "" || answer.message === answer.name ? "" : `: ${shown}`;
  const request = answer.requestId === null ? "" : `, request ${answer.requestId}`;
  const region = code === "LK6103" && answer.bucketRegion !== null ? ` It is in ${answer.bucketRegion}.` : "";
  // Not the SDK's own error, which carries the whole response.
  const cause = Object.assign(new Error(shown), { name: answer.name });
  return new LabkeeperError(code, `${what} (${answer.name}${request})${said}${region}`, {
    cause,
    ...(region === "" ? {} : { remedy: `Set the region to ${answer.bucketRegion}.` }),
  });
}
