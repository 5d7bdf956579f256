/**
 * Faults on order, from the JSON file STANDIN_SCENARIO:
 * {"faults": [{"command": "create cluster", "at": "infrastructure", "do": "exit", "code": 5, "log": ["…"], "times": 1}]}
 *
 * do: exit (with code and log lines) · hang · ignore-signals (then hang) · kill (SIGKILL itself) · succeed (exit 0 and
 * nothing made) · flood (megabytes of log) · secrets (prints all it knows) · residue (destroy leaves something and says
 * that all is well) · outlive (waits for its session's successor, ends with ExpiredToken without). A fault strikes `times` times (default 1), counted in files beside the scenario.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";

export function faultAt(command, at) {
  const path = process.env.STANDIN_SCENARIO;
  if (!path || !existsSync(path)) return null;
  const { faults = [] } = JSON.parse(readFileSync(path, "utf8"));
  for (const [index, fault] of faults.entries()) {
    if (fault.command !== command || fault.at !== at) continue;
    for (let time = 0; time < (fault.times ?? 1); time++) {
      try {
        writeFileSync(`${path}.${index}.${time}.used`, "", { flag: "wx" });
        return fault;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
    }
  }
  return null;
}
