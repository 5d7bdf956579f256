/** Tokens and the App's JWTs: who a request is from. */

import { createHash, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { Refusal } from "./refusal.ts";
import type { Caller } from "./route.ts";
import type { Body, World } from "./world.ts";

const HOUR = 3_600_000;

/** GitHub takes a JWT of ten minutes at most. */
const LONGEST_JWT = 600;

interface Keys {
  readonly publicKey: string;
  /** PKCS#1, as GitHub hands it out. */
  readonly privateKey: string;
}

let made: Keys | null = null;

/** One pair for a test process: making one takes long. */
export function appKeys(): Keys {
  made ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return made;
}

export interface Credentials {
  /** A personal access token of this user. */
  createToken(login: string, scopes?: readonly string[]): string;
  /** An installation token; `permissions` narrows what the installation grants. */
  issue(permissions: Body | null): { readonly token: string; readonly expiresAt: number; readonly permissions: Body };
  revoke(token: string): void;
  /** Who an `Authorization` header names. Throws GitHub's 401 for what is wrong or over. */
  callerOf(header: string | undefined): Caller;
  /** What identifies a caller for rate limits: its account, not its token. */
  limitKey(caller: Caller): string;
}

interface Token {
  readonly caller: Caller;
  readonly expiresAt: number;
}

export function createCredentials(world: World): Credentials {
  const tokens = new Map<string, Token>();
  const tokenCaller = (token: string): Caller => {
    const found = tokens.get(token);
    if (found === undefined || found.expiresAt <= world.clock.now()) throw badCredentials();
    if (found.caller.kind === "installation" && !world.app.installed) throw badCredentials();
    return found.caller;
  };
  return {
    createToken(login, scopes = ["repo", "read:org"]) {
      world.people.account(login);
      const token = `ghp_${randomBytes(18).toString("hex")}`;
      tokens.set(token, { caller: { kind: "user", login, scopes }, expiresAt: Number.POSITIVE_INFINITY });
      return token;
    },
    issue(asked) {
      const permissions = (asked ?? world.app.permissions) as Readonly<Record<string, string>>;
      const token = `ghs_${randomBytes(18).toString("hex")}`;
      const expiresAt = world.clock.now() + HOUR;
      tokens.set(token, { caller: { kind: "installation", permissions }, expiresAt });
      return { token, expiresAt, permissions };
    },
    revoke(token) {
      tokens.delete(token);
    },
    callerOf(header) {
      if (header === undefined) return { kind: "anonymous" };
      const [scheme = "", value = ""] = header.split(" ");
      if (scheme.toLowerCase() === "basic") {
        const [, password = ""] = Buffer.from(value, "base64").toString().split(/:(.*)/s);
        return tokenCaller(password);
      }
      if (!["token", "bearer"].includes(scheme.toLowerCase())) throw badCredentials();
      if (value.split(".").length !== 3) return tokenCaller(value);
      checkJwt(world, value);
      return { kind: "app" };
    },
    limitKey: (caller) => (caller.kind === "user" ? `user ${caller.login}` : caller.kind),
  };
}

function badCredentials(message = "Bad credentials"): Refusal {
  return new Refusal(401, message);
}

/** As https://docs.github.com/apps asks of a JWT: RS256, `iss`, `iat` in the past, `exp` at most ten minutes ahead. */
function checkJwt(world: World, jwt: string): void {
  const [header = "", payload = "", signature = ""] = jwt.split(".");
  const decoded = badCredentials("A JSON web token could not be decoded");
  const { alg } = parsed(header, decoded);
  const { iss, iat, exp } = parsed(payload, decoded);
  const signed = Buffer.from(`${header}.${payload}`);
  if (alg !== "RS256" || !verify("RSA-SHA256", signed, appKeys().publicKey, Buffer.from(signature, "base64url"))) {
    throw decoded;
  }
  if (String(iss) !== String(world.app.id) && iss !== `Iv1.${world.app.id}`) {
    throw badCredentials("'Issuer' claim ('iss') must be an Integer");
  }
  const now = world.clock.now() / 1000;
  if (typeof iat !== "number" || iat > now) {
    throw badCredentials(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== "number" || exp <= now) {
    throw badCredentials(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > now + LONGEST_JWT) throw badCredentials("'Expiration time' claim ('exp') is too far in the future");
}

function parsed(part: string, otherwise: Refusal): Body {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Body;
  } catch {
    throw otherwise;
  }
}

/** A weak ETag, which like GitHub's differs by who asks with which token. */
export function etagOf(body: string | Buffer, authorization: string | undefined): string {
  return `W/"${createHash("sha256")
    .update(body)
    .update(authorization ?? "")
    .digest("hex")}"`;
}
