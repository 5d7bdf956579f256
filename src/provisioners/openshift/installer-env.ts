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

/** `given`: credentials of the account; null: labkeeper's own are passed on. */
export async function installerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>> | null,
  temporary: string,
): Promise<Record<string, string>> {
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const passed = PASSED.includes(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (value !== undefined && passed && !(given !== null && AMBIENT.test(name))) env[name] = value;
  }
  return { LANG: "C.UTF-8", HOME: tmpdir(), ...env, ...given, TMPDIR: temporary };
}
