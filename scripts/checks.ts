import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** What the tool printed, stdout and stderr as they came. */
  readonly output: string;
}

/** Everything that can be said about the code without running it. Tools come from node_modules/.bin, first on npm's PATH. */
const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "--noEmit"],
  ["lint and format", "biome", "check", "--error-on-warnings", "--max-diagnostics=200"],
  ["import rules", "node", "scripts/import-rules.ts"],
  ["action's bundle", "node", "scripts/bundle-action.ts", "--check"],
  ["supply chain", "node", "scripts/supply-chain.ts"],
];

/** Runs all checks at once and reports each on its own, so that one failure does not hide another. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const results = await Promise.all(checks.map(([name, command, ...args]) => run(name, command, args)));
  for (const { name, passed, seconds, output } of results) {
    if (!passed) console.log(output.trimEnd());
    console.log(`${passed ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
  }
  return results;
}

function run(name: string, command: string, args: readonly string[]): Promise<CheckResult> {
  const started = performance.now();
  const result = (passed: boolean, output: string): CheckResult => ({
    name,
    passed,
    seconds: (performance.now() - started) / 1000,
    output,
  });
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", (error) => resolve(result(false, `${command} cannot be started: ${error.message}. Run npm ci.`)));
    child.on("close", (code) => resolve(result(code === 0, output)));
  });
}
