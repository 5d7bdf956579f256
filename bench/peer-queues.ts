import { spawn } from "node:child_process";
import { median, type Report } from "./figures.ts";
import { CONCURRENCY } from "./queue-world.ts";
import { sample } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const PEERS = ["graphile-worker", "pg-boss"];
const RUNS = 3;
/** Besides its measuring time a peer needs some to start and to enqueue. */
const START_MS = 60_000;

/** Other queues on the same server in the same run, from a folder where somebody installed them. */
export async function benchPeerQueues(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  for (const name of PEERS) {
    if (settings.peers === null) {
      report.skip(name, "no --peers folder");
      continue;
    }
    for (const labs of settings.labs) {
      report.step(`queue: ${name}, ${labs} labs`);
      const jobs = Math.min(labs, settings.jobs);
      const folder = settings.peers;
      const limits = { runs: Math.min(RUNS, settings.runs), budgetMs: settings.budgetMs };
      const rates = await sample(limits, async () => {
        const { url } = await workplace.database("none");
        return await runPeer(
          [name, folder, url, String(jobs), String(CONCURRENCY), String(settings.budgetMs)],
          settings,
        );
      }).catch((error: Error) => error);
      if (rates instanceof Error) report.skip(`${name}, ${labs} labs`, rates.message);
      else
        report.figure({
          name: `${name}, no-op jobs at concurrency ${CONCURRENCY}, ${labs} labs`,
          value: median(rates),
          unit: "per s",
          samples: rates.length,
        });
    }
  }
}

/** In a process of its own: whatever a peer leaves open or throws from a timer ends with it. Answers jobs a second. */
function runPeer(args: readonly string[], { budgetMs }: Settings): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${import.meta.dirname}/peer-main.ts`, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: budgetMs + START_MS,
      killSignal: "SIGKILL",
    });
    let answer = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("error", reject);
    child.on("close", () => {
      const rate = Number(/^rate (\S+)$/m.exec(answer)?.[1] ?? Number.NaN);
      if (Number.isNaN(rate)) reject(new Error(complaint.trim().split("\n").at(-1) ?? "it said nothing"));
      else resolve(rate);
    });
  });
}
