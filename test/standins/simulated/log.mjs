/** To stderr as openshift-install does, and everything with a time to `.openshift_install.log`. */

import { appendFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const ORDER = ["debug", "info", "warning", "error", "fatal"];

export function logger(dir, shown) {
  const file = join(dir, ".openshift_install.log");
  /** Synchronous, so that what was said before a SIGKILL was said. */
  const write = (text) => {
    for (let bytes = Buffer.from(text); bytes.length > 0; ) {
      try {
        bytes = bytes.subarray(writeSync(2, bytes));
      } catch (error) {
        if (error.code !== "EAGAIN") return;
      }
    }
  };
  const raw = (line) => {
    write(`${line}\n`);
    appendFileSync(file, `time="${new Date().toISOString()}" ${line}\n`);
  };
  const say = (level, message) => {
    const line = `level=${level} msg=${JSON.stringify(message)}`;
    if (ORDER.indexOf(level) >= ORDER.indexOf(shown)) write(`${line}\n`);
    appendFileSync(file, `time="${new Date().toISOString()}" ${line}\n`);
  };
  return {
    raw,
    debug: (message) => say("debug", message),
    info: (message) => say("info", message),
    warning: (message) => say("warning", message),
    error: (message) => say("error", message),
    fatal: (message) => say("fatal", message),
  };
}
