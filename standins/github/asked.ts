/** One request to the stand-in, as it travels: for tests of the stand-in itself. */

import { createSign } from "node:crypto";
import type { GitHubFacade } from "./start.ts";

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed; null when there is none. */
  readonly body: unknown;
}

export interface AskOptions {
  /** Default: the user's; null: anonymous. */
  readonly token?: string | null;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `what` as "GET /user"; "REPO" stands for the repository's path. */
export async function ask(github: GitHubFacade, what: string, options: AskOptions = {}): Promise<Asked> {
  const { token = github.token, body, headers } = options;
  const [method = "GET", path = ""] = what.replace("REPO", `/repos/${github.owner}/${github.name}`).split(" ");
  const response = await fetch(path.startsWith("http") ? path : github.apiUrl + path, {
    method,
    redirect: "manual",
    headers: { "user-agent": "test", ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

/** A JWT as an App signs it; seconds from now by the machine's clock. */
export function jwt(
  github: GitHubFacade,
  { issued = -30, expires = 500, issuer = String(github.app.id) } = {},
): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = { iss: issuer, iat: now + issued, exp: now + expires };
  const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(payload)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(github.app.privateKey, "base64url")}`;
}

/** An installation token, asked for as an App does. */
export async function installationToken(github: GitHubFacade): Promise<string> {
  const path = `POST /app/installations/${github.app.installationId}/access_tokens`;
  const { body } = await ask(github, path, { token: jwt(github) });
  return (body as { readonly token: string }).token;
}
