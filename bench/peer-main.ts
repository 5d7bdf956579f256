/** Run by the queue benchmark: one other queue, its name, folder, database, jobs, concurrency and milliseconds given. */

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OpenPeer } from "./peer.ts";
import { graphileWorker } from "./peer-graphile-worker.ts";
import { pgBoss } from "./peer-pg-boss.ts";

const PEERS: Readonly<Record<string, OpenPeer>> = { "graphile-worker": graphileWorker, "pg-boss": pgBoss };

const [name = "", folder = "", url = "", jobs = "", concurrency = "", most = ""] = process.argv.slice(2);
const open = PEERS[name];
if (open === undefined) throw new TypeError(`there is no peer ${name}`);
const { resolve: locate } = createRequire(pathToFileURL(resolve(folder, "package.json")));
const peer = await open(await import(pathToFileURL(locate(name)).href), url);
const labs = Array.from({ length: Number(jobs) }, (_, lab) => `lab-${lab}`);
await peer.enqueue(labs);

const start = performance.now();
let done = 0;
const ended = new Promise<void>((end) => {
  setTimeout(end, Number(most));
  peer
    .start(Number(concurrency), () => {
      done += 1;
      if (done === labs.length) end();
    })
    .catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
});
await ended;
const rate = (done / (performance.now() - start)) * 1_000;
process.stdout.write(`rate ${rate}\n`, () => process.exit(0));
