/** The part of the configuration that is about GitHub: who labkeeper is there, of which repository it tells, who may call. */

import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConfigFile } from "./config-file.ts";
import { type Parse, path, wholeNumber } from "./config-values.ts";
import { credentials } from "./core/credentials.ts";
import type { Credentials } from "./ports.ts";

export interface GithubConfig {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** Where people look: `https://github.com`. */
  readonly webUrl: string;
  readonly repository: { readonly owner: string; readonly name: string };
  readonly credentials:
    | {
        readonly kind: "app";
        readonly appId: string;
        /** Null: found by the repository. */
        readonly installationId: number | null;
        /** Has `privateKey`, PEM. */
        readonly secrets: Credentials;
      }
    /** Has `token`. */
    | { readonly kind: "token"; readonly secrets: Credentials };
  /** Has `webhookSecret`. Null: deliveries are not taken. */
  readonly webhookSecret: Credentials | null;
  /** False: writes follow each other at once. Only where nobody's limits are to be spared: a GitHub on this machine. */
  readonly paced: boolean;
}

export interface Listen {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface GithubParts {
  /** Where GITHUB_TOKEN belongs: github.com, or the host of GITHUB_API_URL. */
  readonly githubHost: string;
  /** Null: pull requests are not told about. */
  readonly github: GithubConfig | null;
  /** Where webhooks are taken and health is told; null: nowhere. */
  readonly listen: Listen | null;
}

/** What variables and the file say. */
export interface GithubSources {
  readonly catalog: string | null;
  readonly token: string | null;
  readonly apiUrl: string | null;
  readonly appId: string | null;
  readonly privateKey: Credentials | null;
  readonly installationId: number | null;
  readonly repository: GithubConfig["repository"] | null;
  readonly webhookSecret: string | null;
  readonly listen: Listen | null;
}

const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$/;
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/** `owner/name`, as GitHub lets them be. */
export const repositoryName: Parse<GithubConfig["repository"]> = (text) => {
  const [owner = "", name = "", ...rest] = text.split("/");
  return OWNER.test(owner) && NAME.test(name) && rest.length === 0
    ? { value: { owner, name } }
    : { allowed: "owner/name" };
};

/** The number GitHub shows as App ID, or the client id, which it takes as well. */
export const appId: Parse<string> = (text) =>
  /^(\d{1,15}|Iv[0-9A-Za-z.]{8,60})$/.test(text) ? { value: text } : { allowed: "the App's id or client id" };

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const API_URL = "https://api.github.com or https://HOST/api/v3";

/** A GitHub's API. Over plain http only on this machine: everybody on the way could read the token. */
export const apiAddress: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  return url !== null && safe && url.username === "" && url.password === "" && url.search === "" && url.hash === ""
    ? { value: url.href.replace(/(?<!\/)\/+$/, "") }
    : { allowed: API_URL };
};

const PRIVATE_KEY = "the App's private key: PEM, PEM in base64, or the path of a PEM file";

const isRsaKey = (pem: string): boolean => {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
};

const fileText = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** Environments that take no newlines get `\n` for them, or base64. */
const pemOf = (text: string, base: string): string => {
  if (text.includes("-----BEGIN")) return text.replaceAll("\\n", "\n");
  const decoded = /^[\w+/=\s-]{200,}$/.test(text) ? Buffer.from(text, "base64").toString("latin1") : "";
  if (decoded.includes("-----BEGIN")) return decoded;
  const file = path(base)(text);
  return "value" in file ? fileText(file.value) : "";
};

/** Sealed at once: a value that is wrong is never said, a right one never printed. */
export const privateKey =
  (base: string): Parse<Credentials> =>
  (text) => {
    const pem = pemOf(text, base);
    return isRsaKey(pem) ? { value: credentials({ privateKey: pem }) } : { allowed: PRIVATE_KEY };
  };

/** `host:port`; a host alone would leave the port to chance. */
export const listenAddress: Parse<Listen> = (text) => {
  const [, host = "", port = ""] = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/i.exec(text) ?? [];
  return host !== "" && Number(port) <= 65_535
    ? { value: { host: host.replace(/^\[|\]$/g, ""), port: Number(port) } }
    : { allowed: "HOST:PORT such as 127.0.0.1:8080" };
};

/** `https://api.github.com` is github.com's, `https://git.example.com/api/v3` that host's own. */
const webUrlOf = (apiUrl: string): string => {
  const { protocol, host } = new URL(apiUrl);
  return `${protocol}//${host.replace(/^api\./, "")}`;
};

const ofCatalog = (catalog: string | null, webUrl: string): GithubConfig["repository"] | null => {
  const url = catalog !== null && URL.canParse(catalog) ? new URL(catalog) : null;
  if (url?.origin !== new URL(webUrl).origin) return null;
  const named = repositoryName(url.pathname.replace(/^\/|\/$|(\.git)?\/?$/g, ""));
  return "value" in named ? named.value : null;
};

type Who = GithubConfig["credentials"] | "nobody" | "half";

/** A token alone only reads the catalog, as it did before: telling of pull requests must have been asked for. */
const whoIs = (sources: GithubSources): Who => {
  const { appId: id, privateKey: secrets, installationId, token, repository } = sources;
  if (id !== null && secrets !== null) return { kind: "app", appId: id, installationId, secrets };
  if (id !== null || secrets !== null) return "half";
  return token !== null && repository !== null ? { kind: "token", secrets: credentials({ token }) } : "nobody";
};

type Place = { readonly env?: string; readonly file?: [string, string | number | undefined] };

/** How configuration is read: the variable first, then the file. */
interface Reader {
  variable(name: string): string | undefined;
  first<T>(parse: Parse<T>, place: Place): T | null;
}

/** What is said of GitHub. A path in the environment starts at `cwd`, one in the file at the file's folder, `base`. */
export const githubSources = (
  read: Reader,
  { github, listen }: ConfigFile,
  { cwd, base }: { readonly cwd: string; readonly base: string },
): Omit<GithubSources, "catalog" | "token"> => {
  const setting = <T>(parse: Parse<T>, env: string, field: string, value: string | number | undefined): T | null =>
    read.first(parse, { env, file: [field, value] });
  const key = "LABKEEPER_GITHUB_PRIVATE_KEY";
  return {
    apiUrl: setting(apiAddress, "GITHUB_API_URL", "github.apiUrl", github?.apiUrl),
    appId: setting(appId, "LABKEEPER_GITHUB_APP_ID", "github.appId", github?.appId),
    privateKey:
      read.variable(key) === undefined
        ? read.first(privateKey(base), { file: ["github.privateKeyFile", github?.privateKeyFile] })
        : read.first(privateKey(cwd), { env: key }),
    installationId: setting(
      wholeNumber(1, 999_999_999),
      "LABKEEPER_GITHUB_INSTALLATION_ID",
      "github.installationId",
      github?.installationId,
    ),
    repository: setting(repositoryName, "LABKEEPER_GITHUB_REPOSITORY", "github.repository", github?.repository),
    webhookSecret: read.variable("LABKEEPER_GITHUB_WEBHOOK_SECRET") ?? null,
    listen: setting(listenAddress, "LABKEEPER_LISTEN", "listen", listen),
  };
};

/** Adds what is wrong to `problems`. */
export const githubConfig = (sources: GithubSources, problems: string[]): GithubParts => {
  const { listen } = sources;
  const apiUrl = sources.apiUrl ?? "https://api.github.com";
  const webUrl = webUrlOf(apiUrl);
  const off = { githubHost: new URL(webUrl).host, github: null, listen };
  const who = whoIs(sources);
  if (who === "half") {
    const both = "LABKEEPER_GITHUB_APP_ID and LABKEEPER_GITHUB_PRIVATE_KEY";
    if (!problems.some((problem) => /PRIVATE_KEY|APP_ID|github\./.test(problem))) {
      problems.push(`${both}: allowed is both or none`);
    }
  }
  if (typeof who === "string") return off;
  const repository = sources.repository ?? ofCatalog(sources.catalog, webUrl);
  if (repository === null) {
    problems.push("LABKEEPER_GITHUB_REPOSITORY: allowed is owner/name; the catalog's address does not tell it");
    return off;
  }
  const { webhookSecret } = sources;
  const secret = webhookSecret === null ? null : credentials({ webhookSecret });
  const paced = !LOOPBACK.test(new URL(apiUrl).hostname);
  return { ...off, github: { apiUrl, webUrl, repository, credentials: who, webhookSecret: secret, paced } };
};
