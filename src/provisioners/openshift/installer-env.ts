/** The environment of an installer: what it needs, and the credentials of the lab's account, nothing else. */

import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";

const PASSED = [
  "PATH",
  "HOME",
  "LANG",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];
const PASSED_PREFIXES = ["AWS_", "IC_", "IBMCLOUD_", "OPENSHIFT_INSTALL_"];
/** Ambient credentials: not for a lab whose account is another one. */
const AMBIENT =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|DEFAULT_PROFILE|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+)|IC_API_KEY|IBMCLOUD_API_KEY)$/;

/** What stands for one identity by itself. */
const STATIC_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/**
 * `given`: what leads to the account's credentials; null: labkeeper's own variables are passed on, not what is behind
 * them, so that whoever gets them renews by itself.
 */
export async function installerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>> | null,
  temporary: string,
): Promise<Record<string, string>> {
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const env: Record<string, string> = {};
  // Labkeeper's own SDK then takes the profile, and SDKs for Go would take the keys: another account, perhaps.
  const twice = given === null && (environment["AWS_PROFILE"] ?? "") !== "" ? STATIC_KEYS : [];
  for (const [name, value] of Object.entries(environment)) {
    const passed = PASSED.includes(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (value === undefined || !passed || twice.includes(name) || (given !== null && AMBIENT.test(name))) continue;
    env[name] = value;
  }
  // SDK for Go 1, which parts of an installer use, reads ~/.aws/config only when it is told to; labkeeper's always does.
  return { LANG: "C.UTF-8", HOME: tmpdir(), AWS_SDK_LOAD_CONFIG: "1", ...env, ...given, TMPDIR: temporary };
}
