import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { expectAlone } from "./alone.mjs";
import { ignitionConfigs, manifests } from "./assets.mjs";
import {
  createCluster,
  destroyBootstrapCommand,
  destroyCluster,
  gather,
  waitForBootstrap,
  waitForInstall,
} from "./cluster.mjs";
import { parseFlags } from "./flags.mjs";
import { beginRun, version } from "./run.mjs";

const COMMANDS = {
  "create manifests": manifests,
  "create ignition-configs": ignitionConfigs,
  "create cluster": createCluster,
  "destroy cluster": destroyCluster,
  "destroy bootstrap": destroyBootstrapCommand,
  "wait-for bootstrap-complete": waitForBootstrap,
  "wait-for install-complete": waitForInstall,
  "gather bootstrap": gather,
};
/** Those that name their points themselves from the very beginning. */
const OWN_START = new Set([
  "create cluster",
  "destroy cluster",
  "destroy bootstrap",
  "wait-for bootstrap-complete",
  "wait-for install-complete",
]);

export async function main(args) {
  const { unknown, flags, words } = parseFlags(args, {
    values: ["dir", "log-level"],
    switches: ["skip-password-print", "help"],
  });
  if (unknown) {
    console.error(`level=fatal msg="unknown flag: --${unknown}"`);
    process.exit(1);
  }
  const command = words.join(" ");
  if (command === "version") {
    console.log(`openshift-install ${version()} (simulated)\nbuilt from commit simulated`);
    console.log(`release image registry.invalid/simulated/release:${version()}\nrelease architecture amd64`);
    return;
  }
  const work = COMMANDS[command];
  if (work === undefined) {
    console.error(`level=fatal msg=${JSON.stringify(`unknown command "${command}" for "openshift-install"`)}`);
    process.exit(1);
  }
  const help =
    "Usage:\n  openshift-install create cluster [flags]\n\nFlags:\n  -h, --help\n      --skip-password-print   Do not print the generated user password.\n";
  if (flags.help) return console.log(help);
  const dir = resolve(flags.dir ?? ".");
  mkdirSync(dir, { recursive: true, mode: 0o750 });
  const run = beginRun(command, dir, flags["log-level"] ?? "info");
  expectAlone(command, dir);
  run.quiet = flags["skip-password-print"] === "true";
  run.log.debug(`OpenShift Installer ${version()} (simulated)`);
  if (!OWN_START.has(command)) await run.point("start");
  await work(run);
  if (!OWN_START.has(command)) await run.point("end");
  process.exit(0);
}
