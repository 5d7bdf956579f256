import type { Command } from "commander";
import type { CommandStore } from "../ports.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

type Answer = Readonly<Record<string, string | null>>;

interface Control {
  readonly name: string;
  readonly what: string;
  readonly description: string;
  readonly example: string;
  readonly act: (store: CommandStore, target: string, actor: string) => Promise<Answer>;
  readonly say: (target: string, answer: Answer) => string;
}

const CONTROLS: readonly Control[] = [
  {
    name: "retry",
    what: "lab",
    description: "Queue a lab's dead or waiting work again, now.",
    example: "labkeeper retry team-a-test-01",
    act: (store, lab, actor) => store.retry(lab, actor),
    say: (lab, { job }) => `${job} of ${lab} is queued again.`,
  },
  {
    name: "cancel",
    what: "lab",
    description: "Stop what runs on a lab and destroy it; it is not made again while its file stays.",
    example: "labkeeper cancel team-a-test-01",
    act: (store, lab, actor) => store.cancel(lab, actor),
    say: (lab, { jobCancelled }) =>
      `${lab} will be destroyed${jobCancelled === null ? "" : `; its ${jobCancelled} is being stopped`}.`,
  },
  {
    name: "approve",
    what: "hold",
    description: "Release a held change for the next reconcile.",
    example: "labkeeper approve hold-0123456789",
    act: (store, hold, actor) => store.approve(hold, actor),
    say: (hold, { lab, guard }) =>
      `${hold} is approved: ${guard} no longer holds ${lab}. The next reconcile carries it out.`,
  },
];

const add = (program: Command, context: CommandContext, control: Control): void => {
  program
    .command(control.name)
    .description(control.description)
    .argument(`<${control.what}>`, control.what === "hold" ? "id of a hold, from `labkeeper status`" : "name of a lab")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples(control.example))
    .action(async (target: string, { output }: { readonly output: "text" | "json" }) =>
      withEdges(context, async (edges) => {
        const answer = await control.act(await edges.store(), target, context.actor);
        context.out(
          output === "json" ? JSON.stringify({ [control.what]: target, ...answer }) : control.say(target, answer),
        );
      }),
    );
};

/** `retry`, `cancel` and `approve`: one word from a person, one change in the database. */
export const register: Register = (program, context) => {
  for (const control of CONTROLS) add(program, context, control);
};
