/** What the installer makes of a configuration before it touches a cloud. */

import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { certificate } from "./certificates.mjs";
import { version } from "./run.mjs";
import { parseYaml } from "./yaml.mjs";

const pick = (alphabet, count) => [...randomBytes(count)].map((byte) => alphabet[byte % alphabet.length]).join("");

/** The cluster's name cut to 21 characters, and five random ones. */
const newInfraId = (name) => `${name.slice(0, 21).replace(/-+$/, "")}-${pick("bcdfghjklmnpqrstvwxz2456789", 5)}`;
const newPassword = () =>
  [1, 2, 3, 4]
    .map((n) => (n === 1 ? "K" : "") + pick("abcdefghijkmnopqrstuvwxyzABCDEFGHIJK23456789", n === 1 ? 4 : 5))
    .join("-");

const write = (run, path, content) => {
  const folder = path.split("/").slice(0, -1).join("/");
  if (folder) mkdirSync(run.path(folder), { recursive: true });
  writeFileSync(run.path(path), content, { mode: 0o640 });
};

/** Reads, checks and removes install-config.yaml; or takes it from the state of an earlier run. */
function loadConfig(run) {
  const state = run.state();
  if (!run.has("install-config.yaml")) {
    if (state) return state;
    // It would ask questions, but there is no terminal.
    return run.fail(
      3,
      'failed to fetch Install Config: failed to fetch dependency of "Install Config": failed to generate asset "SSH Key": EOF',
    );
  }
  run.log.info("Consuming Install Config from target directory");
  let config;
  try {
    config = parseYaml(readFileSync(run.path("install-config.yaml"), "utf8"));
  } catch (error) {
    return run.fail(
      3,
      `failed to fetch Install Config: failed to load asset "Install Config": failed to unmarshal install-config.yaml: ${error.message}`,
    );
  }
  const problem = configProblem(config);
  if (problem) {
    return run.fail(
      3,
      `failed to load asset "Install Config": failed to create install config: invalid "install-config.yaml" file: ${problem}`,
    );
  }
  rmSync(run.path("install-config.yaml"));
  const made = {
    "*installconfig.InstallConfig": { config },
    "*installconfig.ClusterID": { UUID: randomUUID(), InfraID: newInfraId(config.metadata.name) },
    "*password.KubeadminPassword": { Password: newPassword() },
  };
  run.saveState(made);
  return made;
}

function configProblem(config) {
  if (config?.apiVersion !== "v1") return `apiVersion: Invalid value: ${JSON.stringify(config?.apiVersion)}`;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(config.metadata?.name ?? "")) return "metadata.name: Invalid value";
  if (!config.baseDomain) return "baseDomain: Required value";
  try {
    if (Object.keys(JSON.parse(config.pullSecret).auths).length === 0) return "pullSecret: Invalid value";
  } catch {
    return "pullSecret: Invalid value";
  }
  if (config.controlPlane && ![1, 3, 4, 5].includes(config.controlPlane.replicas))
    return "controlPlane.replicas: Invalid value";
  const [platform, ...more] = Object.keys(config.platform ?? {});
  if (!["aws", "ibmcloud", "none"].includes(platform) || more.length > 0) return "platform: Invalid value";
  if (platform !== "none" && !config.platform[platform].region) return `platform.${platform}.region: Required value`;
  if (platform === "ibmcloud" && config.credentialsMode !== "Manual") return "credentialsMode: Invalid value";
  return null;
}

export const parts = (state) => {
  const { config } = state["*installconfig.InstallConfig"];
  const { InfraID: infraID, UUID: clusterID } = state["*installconfig.ClusterID"];
  const [platform] = Object.keys(config.platform);
  return { config, infraID, clusterID, platform, name: config.metadata.name, baseDomain: config.baseDomain };
};

export function manifests(run) {
  if (run.has("bootstrap.ign")) return run.fail(1, "manifests cannot be created: ignition configs exist");
  const state = loadConfig(run);
  const { config } = parts(state);
  const schedulable = config.compute?.every(({ replicas }) => replicas === 0) ?? false;
  write(
    run,
    "manifests/cluster-scheduler-02-config.yml",
    `apiVersion: config.openshift.io/v1\nkind: Scheduler\nspec:\n  mastersSchedulable: ${schedulable}\n`,
  );
  write(run, "manifests/cluster-infrastructure-02-config.yml", "kind: Infrastructure\n");
  write(run, "openshift/99_openshift-cluster-api_master-machines-0.yaml", "kind: Machine\n");
  run.log.info(`Manifests created in: ${run.path("manifests")} and ${run.path("openshift")}`);
}

export async function ignitionConfigs(run) {
  const state = loadConfig(run);
  const { infraID, config } = parts(state);
  // What people changed in the manifests is in what the cluster is made of.
  if (run.has("manifests/cluster-scheduler-02-config.yml")) {
    state.manifests = { scheduler: readFileSync(run.path("manifests/cluster-scheduler-02-config.yml"), "utf8") };
  }
  if (config.credentialsMode === "Manual" && config.platform.none === undefined) {
    if (!run.has("manifests/openshift-ingress-credentials.yaml")) {
      return run.fail(1, "credentialsMode is Manual and manifests/ has no credentials");
    }
  }
  for (const folder of ["manifests", "openshift"]) rmSync(run.path(folder), { recursive: true, force: true });
  state.api ??= await newApi();
  run.saveState(state);
  for (const file of ["bootstrap.ign", "master.ign", "worker.ign"])
    write(run, file, '{"ignition":{"version":"3.2.0"}}\n');
  write(run, "auth/kubeadmin-password", state["*password.KubeadminPassword"].Password);
  write(run, "auth/kubeconfig", kubeconfig(state));
  write(run, "tls/journal-gatewayd.crt", "simulated\n");
  write(run, "metadata.json", JSON.stringify(metadata(state)));
  await run.point("metadata");
  run.log.info(`Ignition-Configs created in: ${run.dir} and ${run.path("auth")} (${infraID})`);
}

function metadata(state) {
  const { infraID, clusterID, platform, name, baseDomain, config } = parts(state);
  const common = { clusterName: name, clusterID, infraID };
  if (platform === "none") return common;
  const { region } = config.platform[platform];
  if (platform === "ibmcloud") {
    return { ...common, ibmcloud: { accountID: "simulated", baseDomain, region, resourceGroupName: infraID } };
  }
  const identifier = [{ [`kubernetes.io/cluster/${infraID}`]: "owned" }, { openshiftClusterID: clusterID }];
  return { ...common, aws: { region, identifier, clusterDomain: `${name}.${baseDomain}` } };
}

/** Where its API will answer, and with which certificates: all of it is decided before anything exists. */
async function newApi() {
  const port = await new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const ca = certificate({ commonName: "simulated-ca", issuer: null });
  const server = certificate({ commonName: "api", issuer: ca, addresses: ["127.0.0.1", "localhost"] });
  const admin = certificate({ commonName: "system:admin", organization: "system:masters", issuer: ca });
  return {
    port,
    ca: ca.cert,
    server: { cert: server.cert, key: server.key },
    admin: { cert: admin.cert, key: admin.key },
  };
}

const base64 = (text) => Buffer.from(text).toString("base64");

function kubeconfig(state) {
  const { api } = state;
  const { name } = parts(state);
  return `clusters:
- cluster:
    certificate-authority-data: ${base64(api.ca)}
    server: https://127.0.0.1:${api.port}
  name: ${name}
contexts:
- context:
    cluster: ${name}
    user: admin
  name: admin
current-context: admin
preferences: {}
users:
- name: admin
  user:
    client-certificate-data: ${base64(api.admin.cert)}
    client-key-data: ${base64(api.admin.key)}
`;
}

export const release = () => version();
