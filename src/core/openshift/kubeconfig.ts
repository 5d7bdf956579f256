/** What a kubeconfig says about reaching its current cluster. Only credentials that stand in the file itself are read. */

import { load } from "js-yaml";

export interface ClusterAccess {
  /** `https://host:port`, without a slash at the end. */
  readonly server: string;
  /** PEM; null: the system's own authorities. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly token: string | null;
}

/** Problems never quote the file. */
export function readKubeconfig(text: string): { readonly access: ClusterAccess } | { readonly problem: string } {
  let parsed: unknown;
  try {
    parsed = load(text);
  } catch {
    return { problem: "is not YAML" };
  }
  const root = objectOf(parsed);
  const contexts = named(root["contexts"], "context");
  const context = contexts.get(String(root["current-context"])) ?? [...contexts.values()][0];
  if (context === undefined) return { problem: "has no context" };
  const cluster = named(root["clusters"], "cluster").get(String(context["cluster"]));
  const user = named(root["users"], "user").get(String(context["user"]));
  if (cluster === undefined || user === undefined) return { problem: "names a cluster or user that it does not have" };
  const server = String(cluster["server"] ?? "").replace(/\/$/, "");
  if (!/^https:\/\/[\w.[\]:-]+$/.test(server)) return { problem: "has no https server" };
  const cert = decoded(user["client-certificate-data"]);
  const key = decoded(user["client-key-data"]);
  const token = typeof user["token"] === "string" ? user["token"] : null;
  if (token === null && (cert === null || key === null)) return { problem: "has no credentials" };
  return { access: { server, ca: decoded(cluster["certificate-authority-data"]), cert, key, token } };
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const named = (value: unknown, key: string): Map<string, Readonly<Record<string, unknown>>> =>
  new Map(
    (Array.isArray(value) ? value : []).map((item) => [String(objectOf(item)["name"]), objectOf(objectOf(item)[key])]),
  );

const decoded = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? Buffer.from(value, "base64").toString("utf8") : null;
