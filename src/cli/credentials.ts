import { escapeTerminal } from "../core/render-escape.ts";
import { LabkeeperError } from "../errors.ts";
import type { Credentials, LabDetail } from "../ports.ts";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { table } from "./table.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly show?: boolean;
  readonly name?: string;
  readonly output: "text" | "json";
}

const credentialNamed = (credentials: Credentials, name: string): string => {
  if (credentials.names.includes(name)) return credentials.reveal(name);
  throw new LabkeeperError("LK3004", `there is no credential named ${JSON.stringify(name)}`, {
    remedy: `Choose one of: ${credentials.names.join(", ")}.`,
  });
};

const printed = (
  context: CommandContext,
  detail: LabDetail,
  credentials: Credentials,
  { show, output }: Options,
): void => {
  const values =
    show === true ? Object.fromEntries(credentials.names.map((name) => [name, credentials.reveal(name)])) : null;
  if (output === "json") {
    const document = { apiVersion: "labkeeper.dev/v1", kind: "Credentials", lab: detail.lab.name };
    context.out(JSON.stringify({ ...document, outputs: detail.outputs, names: credentials.names, values }, null, 2));
    return;
  }
  const outputs = Object.entries(detail.outputs).map(([name, value]) => [
    name,
    escapeTerminal(typeof value === "string" ? value : JSON.stringify(value)),
  ]);
  // Host and port are among the outputs too: what is public there need not be hidden here.
  const hidden = credentials.names.filter((name) => !(name in detail.outputs));
  const secrets = hidden.map((name) => [
    name,
    values === null ? context.colours.dim("(hidden)") : (values[name] ?? ""),
  ]);
  context.out(table([...outputs, ...secrets]));
  if (values === null) context.note(`→ \`labkeeper credentials ${detail.lab.name} --show\` prints the values.`);
};

export const register: Register = (program, context) => {
  program
    .command("credentials")
    .description("Show how to reach a lab. Values are printed only when asked for, and each reading is recorded.")
    .argument("<lab>", "name of a lab")
    .option("--show", "print the values")
    .option("--name <credential>", "print one value and nothing else, for a pipe")
    .addOption(outputOption("text", "json"))
    .addHelpText(
      "after",
      examples("labkeeper credentials team-a-test-01", 'psql "$(labkeeper credentials team-a-test-01 --name url)"'),
    )
    .action(async (lab: string, options: Options) =>
      withEdges(context, async (edges) => {
        const store = await edges.store();
        const detail = await store.lab(lab);
        if (detail === null) throw new LabkeeperError("LK3001", lab);
        const credentials = await (await edges.secrets()).get(`labs/${detail.lab.id}`);
        if (credentials === null) {
          throw new LabkeeperError("LK3004", `${lab} is ${detail.lab.state} and has no credentials`, {
            remedy: `They are there once it is ready: see \`labkeeper status ${lab}\`.`,
          });
        }
        // Recorded before anything is printed: a reading that leaves no trace must not happen.
        if (options.name !== undefined || options.show === true) {
          if (options.name !== undefined) credentialNamed(credentials, options.name);
          await store.recordAccess(lab, context.actor);
        }
        if (options.name !== undefined) context.out(credentialNamed(credentials, options.name));
        else printed(context, detail, credentials, options);
      }),
    );
};
