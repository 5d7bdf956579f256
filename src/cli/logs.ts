import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore, ReadStore } from "../ports.ts";
import type { CommandContext, Register } from "./context.ts";
import { followLog, logKeys } from "./follow-log.ts";
import { plain } from "./palette.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly follow?: boolean;
  readonly output: "text" | "json";
}

/** How often a followed log is read again, milliseconds. */
const FOLLOW_MS = 400;

const text = async (artifacts: ArtifactStore, key: string): Promise<string> =>
  new TextDecoder().decode((await artifacts.get(key)) ?? new Uint8Array());

const jobOf = (key: string): string => key.split("/").at(-2) ?? key;

const labOf = async (store: ReadStore, name: string): Promise<{ labId: string; job: string | null }> => {
  const detail = await store.lab(name);
  if (detail === null) throw new LabkeeperError("LK3001", name);
  return { labId: detail.lab.id, job: detail.job?.id ?? null };
};

const follow = (context: CommandContext, store: ReadStore, artifacts: ArtifactStore, name: string): Promise<void> =>
  followLog({
    artifacts,
    look: () => labOf(store, name),
    out: (fresh) => context.out(plain(fresh)),
    stop: AbortSignal.any([context.signal, context.outputClosed]),
    everyMs: FOLLOW_MS,
  });

const print = async (
  context: CommandContext,
  artifacts: ArtifactStore,
  id: string,
  output: "text" | "json",
): Promise<void> => {
  const keys = await logKeys(artifacts, id);
  const logs = await Promise.all(keys.map(async (key) => ({ job: jobOf(key), text: await text(artifacts, key) })));
  if (output === "json") {
    context.out(JSON.stringify({ apiVersion: "labkeeper.dev/v1", kind: "Logs", logs }, null, 2));
    return;
  }
  if (logs.length === 0) context.note("No log yet.");
  for (const log of logs) context.out(plain(log.text));
};

export const register: Register = (program, context) => {
  program
    .command("logs")
    .description("Print what a lab's provisioner wrote.")
    .argument("<lab>", "name of a lab")
    .option("-f, --follow", "go on until nothing works on the lab any more")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper logs team-a-test-01", "labkeeper logs team-a-test-01 --follow"))
    .action(async (lab: string, options: Options, command) => {
      if (options.follow === true && options.output === "json") command.error("error: --follow prints text only");
      await withEdges(context, async (edges) => {
        const store = await edges.store();
        const { labId } = await labOf(store, lab);
        const artifacts = await edges.artifacts();
        if (options.follow === true) await follow(context, store, artifacts, lab);
        else await print(context, artifacts, labId, options.output);
      });
    });
};
