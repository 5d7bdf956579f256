/**
 * What looks like a secret in a log although nobody told us its value. Each pattern stays on one line, takes at most
 * LONGEST characters and has only bounded runs, so that a scan is linear. What stands in `keep` groups is left as it is.
 * Source text rather than literals, because they become one expression.
 */

/** No match of a pattern is longer than this. */
export const LONGEST = 8_192;

const anyCase = (word: string): string => word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);

const key = (words: readonly string[]): string =>
  `(?:${words.map(anyCase).join("|")})\\\\?["']?[ \\t]{0,4}[:=][ \\t]{0,4}\\\\?["']?`;

interface Pattern {
  readonly before?: string;
  readonly secret: string;
  readonly after?: string;
}

const PATTERNS: readonly Pattern[] = [
  { before: key(["password", "passwd", "passphrase"]), secret: "[^\\s\"'\\\\]{1,1024}" },
  {
    before: key(["secret_?access_?key", "session_?token", "client_?secret", "api_?key", "access_?token"]),
    secret: "[^\\s\"'\\\\]{8,2048}",
  },
  { before: `${anyCase("bearer")}[ \\t]{1,4}`, secret: "[\\w.~+/=-]{8,8000}" },
  {
    before: `${anyCase("authorization")}["']?:[ \\t]{0,4}["']?${anyCase("basic")}[ \\t]{1,4}`,
    secret: "[\\w+/=-]{4,8000}",
  },
  // A registry's login inside a pull secret.
  { before: '"auth"[ \\t]{0,4}:[ \\t]{0,4}"', secret: "[\\w+/=-]{8,8000}" },
  // scheme://user:password@host
  { before: "://[^\\s:@/\"']{0,256}:", secret: "[^\\s/\"']{1,1024}", after: "@" },
  // AWS access key ids: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
  { secret: "(?:AKIA|ASIA)[A-Z0-9]{16}" },
  // GitHub tokens: github.blog/2021-04-05-behind-githubs-new-authentication-token-formats
  { secret: "gh[pousr]_[A-Za-z0-9]{20,255}" },
  { secret: "github_pat_\\w{20,255}" },
  // JSON web tokens.
  { secret: "eyJ[\\w.-]{20,8000}" },
  // kubeadmin's generated password; an upper-case letter tells it from a lab's name.
  { secret: "(?=[a-z0-9-]{0,22}[A-Z])[A-Za-z0-9]{5}(?:-[A-Za-z0-9]{5}){3}" },
];

export const PATTERN_SOURCES: readonly string[] = PATTERNS.map(
  ({ before = "", secret, after = "" }, index) => `(?<before${index}>${before})${secret}(?<after${index}>${after})`,
);

export const PEM_BEGIN = "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----";
export const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
/** Room for a PEM_END that is only partly there. */
export const PEM_END_LENGTH = 80;
/** An RSA key of 16,384 bits takes 12.5 kB; a key that never ends hides no more than this. */
export const PEM_LONGEST = 16_384;
