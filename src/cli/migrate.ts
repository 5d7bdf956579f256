import type { Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

export const register: Register = (program, context) => {
  program
    .command("migrate")
    .description("Bring the database schema up to this version. `reconcile` and `serve` do it when they start.")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper migrate"))
    .action(async ({ output }: { readonly output: "text" | "json" }) =>
      withEdges(context, async (edges) => {
        const { applied } = await edges.migrate();
        if (output === "json") context.out(JSON.stringify({ applied }));
        else if (applied.length === 0) context.out("The schema is up to date.");
        else for (const name of applied) context.out(`applied ${name}`);
      }),
    );
};
