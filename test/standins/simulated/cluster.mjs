/** Making, waiting for and unmaking a cluster that is a set of files, one of which is a server. */

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ignitionConfigs, parts } from "./assets.mjs";
import * as aws from "./aws-resources.mjs";
import * as cloud from "./cloud.mjs";
import { version } from "./run.mjs";

const SERVER = fileURLToPath(new URL("api-server.mjs", import.meta.url));

const NETWORK = [
  "vpc",
  "subnet-private",
  "subnet-public",
  "nat-gateway",
  "elastic-ip",
  "security-group",
  "s3-bootstrap",
  "iam-role-master",
  "network-load-balancer",
  "route53-record-api",
];

const tagsOf = (state) => {
  const { infraID, clusterID, config, platform } = parts(state);
  return {
    [`kubernetes.io/cluster/${infraID}`]: "owned",
    openshiftClusterID: clusterID,
    ...config.platform[platform]?.userTags,
  };
};

const resource = (state, name, more = {}) => ({
  infraID: parts(state).infraID,
  name,
  type: name,
  tags: tagsOf(state),
  region: Object.values(parts(state).config.platform)[0]?.region ?? null,
  ...more,
});

const inAws = (state) => {
  const { name, baseDomain, config, infraID } = parts(state);
  return { infraID, region: config.platform.aws?.region, tags: tagsOf(state), clusterDomain: `${name}.${baseDomain}` };
};

export async function createCluster(run) {
  if (run.has(".clusterapi_output")) {
    return run.fail(
      1,
      'failed to fetch Cluster: failed to load asset "Cluster": local infrastructure provisioning artifacts already exist. There may already be a running cluster',
    );
  }
  const todo = await run.point("start");
  if (todo === "succeed") return complete(run, run.state());
  if (!run.has("bootstrap.ign")) await ignitionConfigs(run);
  const state = run.state();
  mkdirSync(run.path(".clusterapi_output"));
  run.log.info("Creating infrastructure resources...");
  run.log.info("Started local control plane with envtest");
  const role = cloud.find(parts(state).infraID, "iam-role-master");
  if (role) {
    run.log.error(`EntityAlreadyExists: Role with name ${role.infraID}-master-role already exists.`);
    return run.fail(4, "failed to create cluster: failed during pre-provisioning");
  }
  for (const name of NETWORK) {
    cloud.put(resource(state, name));
    await run.pace();
  }
  await aws.makeInfrastructure(inAws(state));
  await run.point("infrastructure");
  run.log.info("Network infrastructure is ready");
  const { config, name, baseDomain } = parts(state);
  cloud.put(resource(state, "instance-bootstrap"));
  for (let n = 0; n < (config.controlPlane?.replicas ?? 3); n++) cloud.put(resource(state, `instance-master-${n}`));
  await aws.makeMachines(inAws(state), config.controlPlane?.replicas ?? 3);
  run.log.info("Control-plane machines are ready");
  run.log.info(
    `Waiting up to 20m0s (until 3:00PM UTC) for the Kubernetes API at https://api.${name}.${baseDomain}:6443...`,
  );
  startApi(state);
  await answering(state.api.port);
  run.log.info("API v1.33.5 up");
  run.log.info("Waiting up to 45m0s (until 3:45PM UTC) for bootstrapping to complete...");
  await run.pace();
  await run.point("bootstrap");
  bootstrapped(run, state);
  await aws.removeBootstrap(inAws(state));
  await run.point("operators");
  await finish(run, state);
}

function startApi(state) {
  const { name, baseDomain } = parts(state);
  const { api } = state;
  const path = cloud.put(
    resource(state, "control-plane", {
      port: api.port,
      server: { ...api.server, ca: api.ca },
      version: version(),
      available: false,
      bootstrapped: false,
      schedulable: /mastersSchedulable: true/.test(state.manifests?.scheduler ?? ""),
      consoleHost: `console-openshift-console.apps.${name}.${baseDomain}`,
    }),
  );
  // A cluster is somewhere else: nothing of this host's call shows in it.
  spawn(process.execPath, [SERVER, path], { detached: true, stdio: "ignore", cwd: "/", env: {} }).unref();
}

async function answering(port) {
  const tried = () =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket
        .once("error", () => resolve(false))
        .once("connect", () => {
          socket.destroy();
          resolve(true);
        });
    });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await tried()) return;
    await sleep(25);
  }
}

const controlPlane = (state) => cloud.find(parts(state).infraID, "control-plane");

const change = (state, change) => {
  const { path: _path, ...found } = controlPlane(state);
  cloud.put({ ...found, ...change });
};

function bootstrapped(run, state) {
  change(state, { bootstrapped: true });
  run.log.info("Destroying the bootstrap resources...");
  destroyBootstrap(state);
}

const destroyBootstrap = (state) => {
  for (const name of ["instance-bootstrap", "s3-bootstrap"]) {
    const found = cloud.find(parts(state).infraID, name);
    if (found) cloud.remove(found);
  }
};

async function finish(run, state) {
  const { config, name, baseDomain } = parts(state);
  run.log.info(
    `Waiting up to 40m0s (until 4:25PM UTC) for the cluster at https://api.${name}.${baseDomain}:6443 to initialize...`,
  );
  for (const percent of [12, 67, 98]) {
    run.log.debug(
      `Still waiting for the cluster to initialize: Working towards ${version()}: ${percent * 9} of 904 done (${percent}% complete)`,
    );
    await run.pace();
  }
  for (const { replicas } of config.compute ?? []) {
    for (let n = 0; n < replicas; n++) cloud.put(resource(state, `instance-worker-${n}`));
  }
  cloud.put(resource(state, "route53-record-apps"));
  await aws.makeApplicationsRecord(inAws(state));
  change(state, { available: true });
  run.log.info("Waiting up to 30m0s (until 4:55PM UTC) to ensure each cluster operator has finished progressing...");
  run.log.info("Checking to see if there is a route at openshift-console/console...");
  await run.point("end");
  complete(run, state);
}

function complete(run, state) {
  const { name, baseDomain } = parts(state);
  run.log.info("Install complete!");
  run.log.info(
    `To access the cluster as the system:admin user when using 'oc', run 'export KUBECONFIG=${run.path("auth", "kubeconfig")}'`,
  );
  run.log.info(`Access the OpenShift web-console here: https://console-openshift-console.apps.${name}.${baseDomain}`);
  if (!run.quiet) {
    const password = state["*password.KubeadminPassword"].Password;
    run.log.info(`Login to the console with user: "kubeadmin", and password: "${password}"`);
  }
  run.log.info("Time elapsed: 1s");
}

export async function waitForBootstrap(run) {
  const state = requireState(run);
  await run.point("start");
  run.log.info("Waiting up to 20m0s (until 3:00PM UTC) for the Kubernetes API...");
  if (!controlPlane(state)) return run.fail(5, "failed waiting for Kubernetes API: context deadline exceeded");
  run.log.info("API v1.33.5 up");
  await run.pace();
  change(state, { bootstrapped: true });
  run.log.info("It is now safe to remove the bootstrap resources");
}

export async function waitForInstall(run) {
  const state = requireState(run);
  await run.point("start");
  const found = controlPlane(state);
  if (!found?.bootstrapped) {
    run.log.error("Cluster initialization failed because one or more operators are not functioning properly.");
    return run.fail(6, "failed to initialize the cluster: context deadline exceeded");
  }
  await finish(run, state);
}

function requireState(run) {
  if (!run.has("auth", "kubeconfig"))
    return run.fail(1, `Loading kubeconfig: stat ${run.path("auth", "kubeconfig")}: no such file or directory`);
  return run.state() ?? run.fail(1, "no state");
}

export async function destroyBootstrapCommand(run) {
  const state = requireState(run);
  await run.point("start");
  destroyBootstrap(state);
}

export function gather(run) {
  writeFileSync(run.path("log-bundle-20260101000000.tar.gz"), "simulated");
  run.log.info(`Bootstrap gather logs captured here "${run.path("log-bundle-20260101000000.tar.gz")}"`);
}

/** Reads metadata.json and nothing else; loops until nothing matches. */
export async function destroyCluster(run) {
  let metadata;
  try {
    metadata = JSON.parse(readFileSync(run.path("metadata.json"), "utf8"));
  } catch (error) {
    return run.fail(
      1,
      `Failed while preparing to destroy cluster: open ${run.path("metadata.json")}: ${error.code ?? error.message}`,
    );
  }
  const { infraID } = metadata;
  if (!infraID) return run.fail(1, "metadata has no infraID");
  const filters = metadata.aws ? metadata.aws.identifier : [{ [`kubernetes.io/cluster/${infraID}`]: "owned" }];
  let residue = (await run.point("start")) === "residue";
  const found = cloud.matching(filters);
  for (const [index, each] of found.entries()) {
    if (index === Math.floor(found.length / 2) && (await run.point("half")) === "residue") residue = true;
    if (residue && each.name === "vpc") continue;
    run.log.info(`Deleted ${each.name} id=${each.infraID}`);
    cloud.remove(each);
    await run.pace();
  }
  if (metadata.aws) {
    for (const id of await aws.removeCluster({ infraID, ...metadata.aws })) run.log.info(`Deleted ${id}`);
  }
  if (process.env.STANDIN_DESTROY_FOREVER === "true") await new Promise((resolve) => setTimeout(resolve, 600_000));
  await run.point("end");
  for (const name of readdirSync(run.dir)) {
    if (name !== ".openshift_install.log") rmSync(run.path(name), { recursive: true, force: true });
  }
  run.log.info("Time elapsed: 1s");
  run.log.info("Uninstallation complete!");
}
