/** What a simulated cluster is made of: its id, its addresses, its credentials and the resources a bill would list. */

import { createHash, randomBytes } from "node:crypto";
import { credentials, revealAll } from "../core/credentials.ts";
import { prng } from "../core/prng.ts";
import type { JsonObject } from "../core/types.ts";
import type { Credentials, LabOrder } from "../ports.ts";
import type { SimulatedCluster } from "./simulated-cloud.ts";

/** At most 21 characters of the name and five more, as openshift-install makes them; the same for the same lab. */
export function newInfraId(lab: LabOrder, seed: string): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  const random = prng(seed, lab.id, "infraID");
  const suffix = Array.from({ length: 5 }, () => letters[Math.floor(random() * letters.length)]).join("");
  return `${lab.name.slice(0, 21).replace(/(?<!-)-+$/, "")}-${suffix}`;
}

const domain = (lab: LabOrder): string => `${lab.name}.${lab.spec.baseDomain ?? "sim.example.com"}`;
export const apiUrl = (lab: LabOrder): string => `https://api.${domain(lab)}:6443`;

export const outputs = (lab: LabOrder, infraID: string): JsonObject => ({
  infraID,
  apiUrl: apiUrl(lab),
  consoleUrl: `https://console-openshift-console.apps.${domain(lab)}`,
  version: lab.spec.version,
  workers: lab.spec.workers,
});

export function newCredentials(lab: LabOrder): Credentials {
  const token = randomBytes(24).toString("base64url");
  const password = (randomBytes(15).toString("hex").match(/.{5}/g) ?? []).slice(0, 4).join("-");
  const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: ${lab.name}, cluster: {server: "${apiUrl(lab)}"}}]
users: [{name: admin, user: {token: ${token}}}]
contexts: [{name: admin, context: {cluster: ${lab.name}, user: admin}}]
current-context: admin
`;
  return credentials({ kubeconfig, "kubeadmin-password": password });
}

export const hashOf = (sealed: Credentials): string =>
  createHash("sha256")
    .update(JSON.stringify(revealAll(sealed)))
    .digest("hex");

export function cluster(
  lab: LabOrder,
  infraID: string,
  state: SimulatedCluster["state"],
  credentialsHash: string | null,
): SimulatedCluster {
  const { controlPlane } = lab.profile.spec.compute;
  const machines = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) => `instance/${infraID}-${kind}-${index}`);
  return {
    infraID,
    labId: lab.id,
    name: lab.name,
    team: lab.team,
    state,
    region: lab.spec.region,
    version: lab.spec.version,
    workers: lab.spec.workers,
    tags: lab.spec.tags,
    resources: [
      `vpc/${infraID}`,
      ...(state === "installing" ? [`instance/${infraID}-bootstrap`] : []),
      ...machines("master", controlPlane.replicas),
      ...(state === "running" ? machines("worker", lab.spec.workers) : []),
    ],
    credentialsHash,
  };
}
