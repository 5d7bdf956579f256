import type { Command } from "commander";
import type { Conversation } from "../conversation.ts";
import type { Json, Plan, Problem } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Applied, Reporter } from "../ports.ts";
import type { Reconciled } from "../reconcile.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import type { FailedLab } from "./settle.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly detailedExitcode?: boolean;
  readonly all?: boolean;
  readonly output: "text" | "json" | "markdown";
}

interface Result {
  readonly plan: Plan;
  readonly applied: Applied | null;
  /** Labs that failed for good; null when their work was not waited for. */
  readonly failed: readonly FailedLab[] | null;
  /** Plans that changed something once the first was carried out: a replaced lab is made anew by the next. */
  readonly further: readonly Plan[];
  /** Of the last look at the catalog. */
  readonly problems: readonly Problem[];
}

const nothing = (): void => undefined;
const silent: Reporter = { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing };

const asJson = async ({ plan, applied, failed, further }: Result, all: boolean): Promise<string> => {
  const { planToJson } = await import("../core/render-json.ts");
  const extra: Record<string, Json> = {};
  if (applied !== null) extra["applied"] = { enqueued: applied.enqueued, skipped: [...applied.skipped] };
  if (failed !== null) extra["failed"] = failed.map((lab) => ({ ...lab }));
  if (further.length > 0) extra["further"] = further.map((later) => planToJson(later, { all }));
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

const exitCodeOf = ({ plan, failed, problems }: Result, detailed: boolean): 0 | 1 | 2 => {
  if (problems.length > 0 || (failed !== null && failed.length > 0)) return 1;
  return detailed && changesOf(plan) > 0 ? 2 : 0;
};

const run = async (context: CommandContext, options: Options): Promise<void> =>
  withEdges(context, async (edges) => {
    const { cycle, settle } = await import("./settle.ts");
    const dryRun = options.dryRun === true;
    // A dry run changes nothing, the schema included (promise P7).
    if (!dryRun) await edges.migrate();
    const wired = await edges.reconcileDeps(silent);
    const told = new Set<string>();
    const tell = (error: unknown): void => {
      const message = error instanceof Error ? error.message : String(error);
      if (!told.has(message)) context.note(`${context.noteColours.yellow("warning:")} pull requests: ${message}`);
      told.add(message);
    };
    const conversation = await edges.conversation(tell);
    if (!dryRun) await conversation?.learnOfMerges(context.signal);
    const mergedMeanwhile = dryRun ? await conversation?.mergesMeanwhile(context.signal) : undefined;
    const deps = { ...wired, ...(mergedMeanwhile && { mergedMeanwhile }) };
    const first = await cycle(deps, dryRun, context.signal);
    await printPlan(context, first.plan, options);
    const further: Plan[] = [];
    const onPlan = async ({ plan }: Reconciled): Promise<void> => {
      further.push(plan);
      await printPlan(context, plan, options);
    };
    const settled = options.wait === true ? await settle(edges, context, deps, first, onPlan) : null;
    context.signal.throwIfAborted();
    if (!dryRun && conversation !== null) await converse(conversation, tell, context.signal);
    const { problems } = (settled?.last ?? first).plan;
    const result: Result = { ...first, failed: settled?.failed ?? null, further, problems };
    if (options.output === "json") context.out(await asJson(result, options.all === true));
    sayResult(result, context);
    context.exitWith(exitCodeOf(result, options.detailedExitcode === true));
  });

/** Once what `serve` does again and again: labs do not wait for it, and what fails is told by the next that runs. */
const converse = async (
  { round, report }: Conversation,
  tell: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> => {
  try {
    for (const error of await round(signal)) tell(error);
    for (const { error } of (await report(signal)).failed) tell(error);
  } catch (error) {
    signal.throwIfAborted();
    tell(error);
  }
};

export const register: Register = (program, context) => {
  program
    .command("reconcile")
    .description("Compare the catalog with what exists, plan the difference, and carry it out once.")
    .option("--dry-run", "stop after planning: print the plan and change nothing")
    .option("--wait", "also run the jobs and reconcile again, until nothing is left to do; exit 1 when a lab failed")
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
