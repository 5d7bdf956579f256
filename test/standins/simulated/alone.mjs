/**
 * Notices two programs at work on one cluster, which labkeeper must never let happen: a line in STANDIN_CLOUD/two-at-once,
 * however short the moment was.
 */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const text = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const json = (path) => {
  try {
    return JSON.parse(text(path));
  } catch {
    return {};
  }
};

/** Of the cluster that a program in this folder works on; undefined when there is none yet. */
const infraIDIn = (dir) =>
  json(join(dir, "metadata.json")).infraID ??
  json(join(dir, ".openshift_install_state.json"))["*installconfig.ClusterID"]?.InfraID;

export function expectAlone(command, dir) {
  const cloud = process.env.STANDIN_CLOUD;
  const infraID = infraIDIn(dir);
  if (!cloud || !infraID) return;
  mkdirSync(cloud, { recursive: true });
  const path = join(cloud, `${infraID}.at-work`);
  const [pid, ...other] = text(path).split(" ");
  const isAlive = pid !== "" && text(`/proc/${pid}/cmdline`).includes("standins/");
  if (isAlive && Number(pid) !== process.pid) {
    appendFileSync(join(cloud, "two-at-once"), `${infraID}: ${command} beside ${other.join(" ")}\n`);
  }
  writeFileSync(path, `${process.pid} ${command}`);
}
