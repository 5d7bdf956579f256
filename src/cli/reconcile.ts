import type { Command } from "commander";
import type { Json, Plan } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Applied, ReadStore, Reporter } from "../ports.ts";
import type { Edges } from "../wire.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly detailedExitcode?: boolean;
  readonly all?: boolean;
  readonly output: "text" | "json" | "markdown";
}

interface FailedLab {
  readonly lab: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

interface Result {
  readonly plan: Plan;
  readonly applied: Applied | null;
  /** Labs that failed for good; null when their work was not waited for. */
  readonly failed: readonly FailedLab[] | null;
}

const nothing = (): void => undefined;
const silent: Reporter = { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing };

const failureOfLab = async (store: ReadStore, lab: string): Promise<FailedLab> => {
  const failure = (await store.lab(lab))?.lab.failure ?? null;
  return {
    lab,
    code: failure?.code ?? "LK5002",
    message: failure?.message ?? "it failed",
    remedy: failure?.remedy ?? `See \`labkeeper explain ${lab}\`.`,
  };
};

/** Works the queue, anybody's jobs included, until it is empty; answers the labs that failed for good. */
const workQueue = async (edges: Edges, context: CommandContext): Promise<readonly FailedLab[]> => {
  const [{ startWorker }, { createProgress }] = await Promise.all([import("../worker.ts"), import("./progress.ts")]);
  using progress = createProgress({ write: context.note, colours: context.noteColours, columns: context.noteColumns });
  const errors = new Set<string>();
  const deps = await edges.workerDeps(progress, (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (!errors.has(message)) context.note(`${context.noteColours.yellow("warning:")} ${message}`);
    errors.add(message);
  });
  const worker = await startWorker(deps, edges.workerOptions());
  const stop = (): void => void worker.stop();
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  const { failed } = await worker.drained();
  await worker.stop();
  context.signal.removeEventListener("abort", stop);
  const store = await edges.store();
  return Promise.all(failed.map((lab) => failureOfLab(store, lab)));
};

const asJson = async ({ plan, applied, failed }: Result, all: boolean): Promise<string> => {
  const { planToJson } = await import("../core/render-json.ts");
  const extra: Record<string, Json> = {};
  if (applied !== null) extra["applied"] = { enqueued: applied.enqueued, skipped: [...applied.skipped] };
  if (failed !== null) extra["failed"] = failed.map((lab) => ({ ...lab }));
  return JSON.stringify({ ...planToJson(plan, { all }), ...extra }, null, 2);
};

const printPlan = async (context: CommandContext, plan: Plan, { output, all = false }: Options): Promise<void> => {
  if (output === "markdown") context.out((await import("../core/render-markdown.ts")).planMarkdown(plan, { all }));
  if (output === "text") context.out((await import("../core/render-text.ts")).planText(plan, context.colours, { all }));
};

const sayResult = ({ applied, failed }: Result, context: CommandContext): void => {
  if (applied !== null && failed === null && applied.enqueued > 0) {
    context.note(
      `${applied.enqueued} ${applied.enqueued === 1 ? "job" : "jobs"} queued; \`labkeeper serve\` or \`reconcile --wait\` runs them.`,
    );
  }
  for (const lab of applied?.skipped ?? [])
    context.note(`${lab} moved on meanwhile; the next cycle looks at it again.`);
  for (const { lab, code, message, remedy } of failed ?? []) {
    context.note(`${context.noteColours.red(code)} ${lab}: ${message}\n${context.noteColours.cyan("→")} ${remedy}`);
  }
};

const changesOf = ({ summary }: Plan): number => summary.create + summary.update + summary.destroy;

const exitCodeOf = ({ plan, failed }: Result, detailed: boolean): 0 | 1 | 2 => {
  if (plan.problems.length > 0 || (failed !== null && failed.length > 0)) return 1;
  return detailed && changesOf(plan) > 0 ? 2 : 0;
};

const run = async (context: CommandContext, options: Options): Promise<void> =>
  withEdges(context, async (edges) => {
    const { reconcile } = await import("../reconcile.ts");
    // A dry run changes nothing, the schema included (promise P7).
    if (options.dryRun !== true) await edges.migrate();
    const deps = await edges.reconcileDeps(silent);
    const { plan, applied } = await reconcile(deps, { dryRun: options.dryRun === true, signal: context.signal });
    await printPlan(context, plan, options);
    const failed = options.wait === true && !context.signal.aborted ? await workQueue(edges, context) : null;
    context.signal.throwIfAborted();
    const result: Result = { plan, applied, failed };
    if (options.output === "json") context.out(await asJson(result, options.all === true));
    sayResult(result, context);
    context.exitWith(exitCodeOf(result, options.detailedExitcode === true));
  });

export const register: Register = (program, context) => {
  program
    .command("reconcile")
    .description("Compare the catalog with what exists, plan the difference, and carry it out once.")
    .option("--dry-run", "stop after planning: print the plan and change nothing")
    .option("--wait", "also run the jobs until none is left; exit 1 when a lab failed for good")
    .option("--detailed-exitcode", "with --dry-run: 0 no changes, 1 error, 2 changes")
    .option("--all", "also the labs that are kept")
    .addOption(outputOption("text", "json", "markdown"))
    .addHelpText(
      "after",
      examples(
        "labkeeper reconcile --dry-run",
        "labkeeper reconcile --wait",
        "labkeeper reconcile --dry-run --detailed-exitcode -o json > plan.json",
      ),
    )
    .action(async (options: Options, command: Command) => {
      if (options.dryRun === true && options.wait === true)
        command.error("error: --wait has nothing to wait for with --dry-run");
      if (options.detailedExitcode === true && options.dryRun !== true)
        command.error("error: --detailed-exitcode needs --dry-run");
      if (context.signal.aborted) throw new LabkeeperError("LK5009", "before it began");
      await run(context, options);
    });
};
