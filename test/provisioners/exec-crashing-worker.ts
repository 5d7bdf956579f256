/** A worker in a process of its own, to be killed: `node exec-crashing-worker.ts WORKDIR SCRIPT`. */

import { execProvisioner } from "../../src/provisioners/exec.ts";
import { labOrder } from "./lab-order.ts";

const [, , workdir = "", script = ""] = process.argv;
const provisioner = execProvisioner({
  name: "crashing",
  command: ["/bin/sh", "-c", script, "program"],
  environment: process.env,
});
await provisioner.install(
  labOrder(),
  {},
  {
    signal: new AbortController().signal,
    workdir,
    log: (line) => console.log(line),
    progress: () => undefined,
  },
);
