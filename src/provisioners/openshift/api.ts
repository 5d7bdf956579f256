/** Asks a cluster's API, with nothing but what its kubeconfig holds. */

import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterAccess, readKubeconfig } from "../../core/openshift/kubeconfig.ts";
import { LabkeeperError } from "../../errors.ts";

export interface ClusterView {
  readonly apiUrl: string;
  readonly consoleUrl: string | null;
  readonly version: string | null;
  /** What the installer called it, as metadata.json has it; null where it does not say. */
  readonly clusterId: string | null;
}

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 4 * 1024 ** 2;

const refuse = (detail: string, cause?: unknown): LabkeeperError =>
  new LabkeeperError("LK5006", detail, cause === undefined ? {} : { cause });

/** How often a look is tried before it counts, and how long apart: one lost packet is not a lost cluster. */
const LOOKS = 3;
const PAUSE_MS = 2_000;

/** As `lookAtCluster`, with patience; and it must be the cluster of this id, where either side says one. */
export async function proveCluster(kubeconfig: string, clusterId: string, signal: AbortSignal): Promise<ClusterView> {
  for (let look = 1; ; look++) {
    try {
      const view = await lookAtCluster(kubeconfig, signal);
      if (clusterId === "" || view.clusterId === null || view.clusterId === clusterId) return view;
      throw refuse(`what answers at ${view.apiUrl} is cluster ${shown(view.clusterId)} instead of ${clusterId}`);
    } catch (error) {
      if (look === LOOKS || signal.aborted) throw error;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Proves that the API is ready and the cluster available to whoever holds this kubeconfig. Rejects with LK5006. */
export async function lookAtCluster(kubeconfig: string, signal: AbortSignal): Promise<ClusterView> {
  const read = readKubeconfig(kubeconfig);
  if ("problem" in read) throw refuse(`the stored kubeconfig ${read.problem}`);
  const { access } = read;
  const ready = await get(access, "/readyz", signal);
  if (ready.trim() !== "ok") throw refuse(`${access.server}/readyz does not say ok`);
  const version = await getObject(access, "/apis/config.openshift.io/v1/clusterversions/version", signal);
  const status = objectOf(version["status"]);
  const conditions = Array.isArray(status["conditions"]) ? status["conditions"].map(objectOf) : [];
  const available = conditions.find(({ type }) => type === "Available");
  if (available?.["status"] !== "True") throw refuse(`the cluster at ${access.server} is not available yet`);
  const route = await getObject(
    access,
    "/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console",
    signal,
  );
  const host = objectOf(route["spec"])["host"];
  const release = objectOf(status["desired"])["version"];
  const id = objectOf(version["spec"])["clusterID"];
  return {
    apiUrl: access.server,
    consoleUrl: typeof host === "string" && /^[\w.-]+$/.test(host) ? `https://${host}` : null,
    version: typeof release === "string" ? release : null,
    clusterId: typeof id === "string" && id !== "" ? id : null,
  };
}

/** It comes from whoever answers there. */
const shown = (id: string): string => JSON.stringify(id.slice(0, 64));

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

async function getObject(access: ClusterAccess, path: string, signal: AbortSignal) {
  const text = await get(access, path, signal);
  try {
    return objectOf(JSON.parse(text));
  } catch (cause) {
    throw refuse(`${access.server}${path} did not answer JSON`, cause);
  }
}

function get(access: ClusterAccess, path: string, signal: AbortSignal): Promise<string> {
  const url = `${access.server}${path}`;
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(refuse(`${url}: ${error.message}`, error));
    let call: ReturnType<typeof request>;
    try {
      call = request(
        url,
        {
          agent: false,
          signal,
          timeout: TIMEOUT_MS,
          ...(access.ca === null ? {} : { ca: access.ca }),
          ...(access.cert === null || access.key === null ? {} : { cert: access.cert, key: access.key }),
          headers: access.token === null ? {} : { authorization: `Bearer ${access.token}` },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BYTES) call.destroy(new Error("the answer is too long"));
            else chunks.push(chunk);
          });
          response.on("error", failed);
          response.on("end", () => {
            if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString("utf8"));
            else reject(refuse(`${url} answered ${response.statusCode}`));
          });
        },
      );
    } catch (error) {
      // A broken key or certificate throws before anything is sent; its text may quote neither.
      reject(refuse(`${url} cannot be asked: the kubeconfig's certificate or key is not usable`, error));
      return;
    }
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", failed);
    call.end();
  });
}
