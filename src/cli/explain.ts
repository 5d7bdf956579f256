import { LabkeeperError } from "../errors.ts";
import type { Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

export const register: Register = (program, context) => {
  program
    .command("explain")
    .description("Tell a lab's whole story: what happened, when, who caused it and why.")
    .argument("<lab>", "name of a lab")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper explain team-a-test-01"))
    .action(async (lab: string, { output }: { readonly output: "text" | "json" }) =>
      withEdges(context, async (edges) => {
        const store = await edges.store();
        const events = await store.events(lab);
        if (events.length === 0) throw new LabkeeperError("LK3001", lab);
        const { storyJson, storyText } = await import("./views/story.ts");
        context.out(output === "json" ? storyJson(lab, events) : storyText(events, context.colours));
      }),
    );
};
