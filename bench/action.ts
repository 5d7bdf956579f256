import { spawnSync } from "node:child_process";
import { realpath } from "node:fs/promises";
import { pullRequest, step } from "../test/action/runner.ts";
import { catalogFiles, labFile, labPath } from "./catalog.ts";
import { median, type Report } from "./figures.ts";
import { sample, timed } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

/**
 * The GitHub Action as a step runs it: the committed bundle in a process of its own, on a checkout of a pull request
 * that changes one file. Node alone starts between its runs, so that both meet the same machine.
 */
export async function benchAction(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  for (const labs of settings.labs) {
    report.step(`action: a pull request onto ${labs} files`);
    const root = await realpath(await workplace.folder(`action-${labs}`));
    const change = { [labPath(7)]: labFile(7, 48) };
    const { event, checkout } = pullRequest(root, { before: catalogFiles(labs), change });
    const workspace = checkout({ depth: 2 });
    const runs = await sample({ runs: settings.runs * 2, budgetMs: settings.budgetMs }, async () => {
      const action = await timed(() => step({ workspace, event }));
      const { code, errors, summary } = action.result;
      if (code !== 0 || !summary.includes("1 to update")) throw new Error(`the action failed: ${errors}${summary}`);
      const node = await timed(() => spawnSync(process.execPath, ["-e", "0"]));
      return { action: action.ms, node: node.ms };
    });
    const name = `action, one of ${labs} files changed`;
    const value = median(runs.map(({ action }) => action));
    const figure = { name, value, unit: "ms" as const, samples: runs.length };
    report.figure(labs === 10_000 ? { ...figure, target: { atMost: 2_000 } } : figure);
    report.figure({
      name: `the same against node -e 0, ${labs} files`,
      value: median(runs.map(({ action, node }) => action / node)),
      unit: "times",
      samples: runs.length,
    });
  }
}
