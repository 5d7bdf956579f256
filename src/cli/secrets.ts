import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { credentials } from "../core/credentials.ts";
import { isStoreKey } from "../core/store-key.ts";
import { LabkeeperError } from "../errors.ts";
import type { Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { withEdges } from "./with-edges.ts";

interface Options {
  readonly file?: string;
  readonly output: "text" | "json";
}

const PULL_SECRET = "openshift/pull-secret";

/** Everything but what labkeeper keeps of labs itself. */
const mayBePut = (key: string): boolean => isStoreKey(key) && !/^(labs|doctor)(\/|$)/.test(key);

const readValue = async (file: string | undefined): Promise<string> => {
  if (file === undefined) return await text(process.stdin);
  return await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LabkeeperError("LK7003", file, { cause });
  });
};

/** What the store takes: without the newline that editors and `echo` leave. Nothing of a value is ever quoted. */
const checkedValue = async (key: string, given: string): Promise<string> => {
  const value = given.replace(/\r?\n$/, "");
  if (value === "") throw new LabkeeperError("LK7003", "the value is empty");
  if (key === PULL_SECRET) {
    const { checkPullSecret } = await import("../core/openshift/install-config.ts");
    const check = checkPullSecret(value);
    if ("problem" in check) throw new LabkeeperError("LK5202", `${key}: ${check.problem}`);
  }
  return value;
};

/** `secrets put`: the value comes from a file or a pipe, never from an argument, which everybody on the host can read. */
export const register: Register = (program, context) => {
  const secrets = program
    .command("secrets")
    .description("Put what installers need into the secret store.")
    .addHelpText("after", examples("labkeeper secrets put openshift/pull-secret --file pull-secret.json"));
  secrets
    .command("put")
    .description("Store a secret, or replace it. Its value is read from a file, or from standard input.")
    .argument("<key>", "openshift/pull-secret, openshift/ssh-key (the public one) or another of your own")
    .option("--file <file>", "read the value from here")
    .addOption(outputOption("text", "json"))
    .addHelpText(
      "after",
      examples(
        "labkeeper secrets put openshift/pull-secret --file pull-secret.json",
        "labkeeper secrets put openshift/ssh-key < ~/.ssh/id_ed25519.pub",
      ),
    )
    .action(async (key: string, { file, output }: Options, command: Command) => {
      if (!mayBePut(key)) command.error("error: a key is a path such as openshift/pull-secret, and not one of labs/");
      await withEdges(context, async (edges) => {
        const value = await checkedValue(key, await readValue(file));
        await (await edges.secrets()).put(key, credentials({ value }));
        context.out(output === "json" ? JSON.stringify({ key }) : `${key} is stored.`);
      });
    });
};
