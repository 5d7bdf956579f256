/** One run of the stand-in: its folder, log, pace, signals, and the faults on order. */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awsKeys } from "./aws.mjs";
import { logger } from "./log.mjs";
import { faultAt } from "./scenario.mjs";

export const version = () =>
  process.env.STANDIN_VERSION ?? /openshift-install-(\d.*)$/.exec(basename(process.argv[1]))?.[1] ?? "4.20.3";

const STATE = ".openshift_install_state.json";

export function beginRun(command, dir, level) {
  const log = logger(dir, level);
  let interrupted = false;
  let deaf = false;
  const onSignal = () => {
    if (deaf) return;
    if (interrupted) process.kill(process.pid, "SIGKILL");
    interrupted = true;
    log.warning("Received interrupt signal");
    setTimeout(
      () => {
        log.info("Local Cluster API system has completed operations");
        process.exit(8);
      },
      Number(process.env.STANDIN_SIGINT_MS ?? 60_000),
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);

  const run = {
    dir,
    log,
    path: (...names) => join(dir, ...names),
    has: (...names) => existsSync(join(dir, ...names)),
    state: () => (existsSync(join(dir, STATE)) ? JSON.parse(readFileSync(join(dir, STATE), "utf8")) : null),
    saveState: (state) => writeFileSync(join(dir, STATE), JSON.stringify(state, null, 1), { mode: 0o640 }),
    pace: () => sleep(Number(process.env.STANDIN_PACE_MS ?? 20)),
    fail(code, message) {
      log.fatal(message);
      process.exit(code);
    },
    /** A point of the run where something may be on order. Answers what the caller has to do itself. */
    async point(at) {
      while (interrupted) await sleep(1_000);
      const fault = faultAt(command, at);
      if (fault === null) return null;
      for (const line of fault.log ?? []) log.raw(line);
      switch (fault.do) {
        case "exit":
          if (fault.code === 5) writeFileSync(join(dir, "log-bundle-20260101000000.tar.gz"), randomBytes(64));
          process.exit(fault.code);
          break;
        case "ignore-signals":
          deaf = true;
          // As the local controllers of a real one, in its process group.
          spawn("sh", ["-c", 'trap "" INT TERM; sleep 600', "standin-controller", dir], { stdio: "ignore" });
          await sleep(600_000);
          break;
        case "hang":
          await sleep(600_000);
          break;
        case "kill":
          process.kill(process.pid, "SIGKILL");
          await sleep(10_000);
          break;
        case "flood":
          flood(log, fault.megabytes ?? 50);
          break;
        case "secrets":
          spill(run, log);
          break;
        case "outlive":
          await outlive(run, log);
          break;
        default:
          return fault.do;
      }
      return null;
    },
  };
  return run;
}

/** Goes on only when its session had a successor, as one that is refused when its session has ended. */
async function outlive(run, log) {
  const first = awsKeys()?.AccessKeyId;
  for (let tries = 0; tries < 300; tries++) {
    const now = awsKeys()?.AccessKeyId;
    if (now !== first) return log.info(`went on with ${now} after ${first}`);
    await sleep(50);
  }
  run.fail(4, "ExpiredToken: The security token included in the request is expired");
}

function flood(log, megabytes) {
  const line = `level=info msg="${"still working on it; ".repeat(48)}"`;
  for (let bytes = 0; bytes < megabytes * 1024 ** 2; bytes += line.length + 1) log.raw(line);
}

/** As a careless installer would: plain, in base64, in JSON, and over more than one line. */
function spill(run, log) {
  const state = run.state() ?? {};
  const { pullSecret, sshKey } = state["*installconfig.InstallConfig"]?.config ?? {};
  const password = state["*password.KubeadminPassword"]?.Password ?? "";
  log.info(`Login to the console with user: "kubeadmin", and password: "${password}"`);
  const aws = awsKeys();
  for (const secret of [password, pullSecret, sshKey, aws?.SecretAccessKey, aws?.SessionToken]) {
    if (!secret) continue;
    log.warning(`debug: ${secret}`);
    log.warning(`debug: ${Buffer.from(secret).toString("base64")}`);
    log.raw(secret);
  }
}
