/** `npm run soak`: labs that come, change and go on processes that are killed, paused and cut off. See docs/reliability.md. */

import { cpus, loadavg } from "node:os";
import { type SoakSettings, settingsFrom, USAGE } from "./soak-settings.ts";

/** Of the last minute: what others did on this machine before, and the soak and others in its course. */
const load = (): string => (loadavg()[0] ?? 0).toFixed(1);

async function main(settings: SoakSettings): Promise<void> {
  // Loaded once it is known what is wanted: whoever asks for help is not to wait.
  const [{ failuresOf, reportOf }, { soak }, { startSoakServer }] = await Promise.all([
    import("./soak-report.ts"),
    import("./soak-run.ts"),
    import("./soak-server.ts"),
  ]);
  const { labs, churnMs, workers, concurrency } = settings;
  console.log(
    `${labs} labs, ${churnMs / 60_000} minutes of churn, ${workers} workers of ${concurrency} places; ${cpus().length} cores, Node ${process.versions.node}, load ${load()}`,
  );
  await using server = await startSoakServer();
  const soaked = await soak(settings, server.connection, console.log);
  for (const line of reportOf(soaked)) console.log(line);
  const failures = failuresOf(soaked, settings);
  for (const failure of failures.slice(0, 20)) console.log(`✗ ${failure}`);
  console.log(`lost = ${soaked.lost?.length ?? "unknown"}; load ${load()} at the end`);
  console.log(failures.length === 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function parsed(): SoakSettings | null {
  try {
    const settings = settingsFrom(process.argv.slice(2));
    if (settings !== "help") return settings;
    console.log(USAGE);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return null;
}

const settings = parsed();
if (settings !== null) await main(settings);
