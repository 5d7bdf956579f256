import { LabkeeperError } from "../errors.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly output: "text" | "json" | "markdown";
  readonly all?: boolean;
}

const showAll = async (context: CommandContext, { output, all }: Options): Promise<void> =>
  withEdges(context, async (edges) => {
    const store = await edges.store();
    const [now, rows, holds, problems, queue] = await Promise.all([
      store.databaseTime(),
      store.labs(all === true),
      store.holds(),
      store.problems(),
      store.queue(),
    ]);
    const [{ labView }, { problemsOf }, views] = await Promise.all([
      import("./views/lab-view.ts"),
      import("./views/problems.ts"),
      import("./views/status-list.ts"),
    ]);
    const status = { now, labs: rows.map((row) => labView(row, now)), holds, problems: problemsOf(problems), queue };
    if (output === "json") context.out(views.statusListJson(status));
    else if (output === "markdown") context.out(views.statusListMarkdown(status));
    else context.out(views.statusListText(status, context.colours, context.columns));
  });

const showOne = async (context: CommandContext, name: string, output: Options["output"]): Promise<void> =>
  withEdges(context, async (edges) => {
    const store = await edges.store();
    const [now, detail] = await Promise.all([store.databaseTime(), store.lab(name)]);
    if (detail === null) throw new LabkeeperError("LK3001", name);
    const { labDetailJson, labDetailMarkdown, labDetailText } = await import("./views/lab-detail.ts");
    if (output === "json") context.out(labDetailJson(detail, now));
    else if (output === "markdown") context.out(labDetailMarkdown(detail, now));
    else context.out(labDetailText(detail, now, context.colours));
  });

export const register: Register = (program, context) => {
  program
    .command("status")
    .description("Show all labs, or one with its steps, times and outputs.")
    .argument("[lab]", "name of a lab")
    .option("--all", "also the labs that are gone")
    .addOption(outputOption("text", "json", "markdown"))
    .addHelpText(
      "after",
      examples("labkeeper status", "labkeeper status team-a-test-01", "labkeeper status -o json | jq .labs[].name"),
    )
    .action(async (lab: string | undefined, options: Options) =>
      lab === undefined ? showAll(context, options) : showOne(context, lab, options.output),
    );
};
