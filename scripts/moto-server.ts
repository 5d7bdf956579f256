/** A moto server of one's own on loopback, which ends with the process that started it, however that ends. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { PYTHON } from "./moto-packages.ts";

export interface MotoServer extends AsyncDisposable {
  readonly url: string;
  /** The end of what it printed: its requests and its own defects. */
  output(): string;
}

/** Reads stdin to its end, which comes when the parent is gone, and only then stops. */
const PROGRAM = `
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
`;

const START_MS = 60_000;
const KEPT = 20_000;

/** Resolves when it answers. `modules` is what `ensureMoto` answered. */
export async function startMoto(modules: string): Promise<MotoServer> {
  const child = spawn(PYTHON, ["-c", PROGRAM], {
    env: {
      PATH: process.env["PATH"],
      PYTHONPATH: modules,
      PYTHONUNBUFFERED: "1",
      // Small pages, so that tests see more than one without making a thousand objects.
      MOTO_S3_DEFAULT_MAX_KEYS: "40",
    },
    stdio: ["pipe", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`moto did not start in time:\n${output}`)), START_MS);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-KEPT);
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
    child.once("error", reject);
    ended.then(() => reject(new Error(`moto ended at once:\n${output}`)), reject);
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const answer = await fetch(`${url}/moto-api/data.json`);
  if (!answer.ok) throw new Error(`moto answers ${answer.status}:\n${output}`);
  return {
    url,
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
