/** `npm run fuzz`: looks for input that breaks a reader of outside text. Exits 1 when it finds some. See docs/reliability.md. */

import { startCoverage } from "./coverage.ts";
import { type Figures, search } from "./search.ts";
import { type Settings, settingsFrom, usage } from "./settings.ts";
import type { Target } from "./target.ts";

/** A new reader is one small file and one line here. */
const targets: Record<string, () => Promise<Target>> = {
  yaml: async () => (await import("./targets/yaml.ts")).yaml,
  render: async () => (await import("./targets/render.ts")).render,
  "log-failures": async () => (await import("./targets/log-failures.ts")).logFailures,
  progress: async () => (await import("./targets/progress.ts")).progress,
  "exec-answer": async () => (await import("./targets/exec-answer.ts")).execAnswer,
  "exec-log": async () => (await import("./targets/exec-log.ts")).execLog,
  redact: async () => (await import("./targets/redact.ts")).redact,
  manifest: async () => (await import("./targets/manifest.ts")).manifest,
  commands: async () => (await import("./targets/commands.ts")).commands,
  report: async () => (await import("./targets/report.ts")).report,
  webhook: async () => (await import("./targets/webhook.ts")).webhook,
  http: async () => (await import("./targets/http.ts")).http,
  event: async () => (await import("./targets/event.ts")).event,
};

function parsed(): Settings | null {
  const names = Object.keys(targets);
  try {
    const settings = settingsFrom(process.argv.slice(2), names);
    if (settings !== "help") return settings;
    console.log(usage(names));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(names)}`);
    process.exitCode = 2;
  }
  return null;
}

const shown = ({ target, inputs, kept, blocks, slowestMs, failures }: Figures): string =>
  [
    `${target}: ${inputs} inputs, ${blocks.covered} of ${blocks.known} blocks, ${kept} kept, slowest ${Math.round(slowestMs)} ms, ${failures.length} failures`,
    ...failures.map(({ why, input }) => `  ${why}\n    ${JSON.stringify(Buffer.from(input).toString("latin1"))}`),
  ].join("\n");

async function main(settings: Settings): Promise<void> {
  const all: Figures[] = [];
  for (const name of settings.targets) {
    const target = await targets[name]?.();
    if (target === undefined) continue;
    using coverage = startCoverage((url) => url.includes("/src/") && !url.includes("/node_modules/"));
    const figures = await search(target, settings, coverage);
    await target.end?.();
    all.push(figures);
    if (!settings.json) console.log(shown(figures));
  }
  if (settings.json) {
    const failuresOf = ({ failures }: Figures) =>
      failures.map(({ why, input }) => ({ why, base64: Buffer.from(input).toString("base64") }));
    console.log(
      JSON.stringify(
        all.map((figures) => ({ ...figures, failures: failuresOf(figures) })),
        null,
        2,
      ),
    );
  }
  if (all.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

const settings = parsed();
if (settings !== null) await main(settings);
