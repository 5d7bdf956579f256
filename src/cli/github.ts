import type { Command } from "commander";
import { type AppWishes, appManifest, appRegistrationUrl, loginProblem } from "../core/github-app.ts";
import type { Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";

interface Options {
  readonly name: string;
  readonly url: string;
  readonly webhookUrl?: string;
  readonly organization?: string;
  readonly output: "json" | "url";
}

const isWebUrl = (text: string): boolean =>
  URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol) && new URL(text).username === "";

const wishesOf = ({ name, url, webhookUrl, organization }: Options, command: Command): AppWishes => {
  const wrong = [url, webhookUrl].find((text) => text !== undefined && !isWebUrl(text));
  if (wrong !== undefined) command.error(`error: ${JSON.stringify(wrong)} is no http(s) URL`);
  // github.com/settings/apps: an App's name has at most 34 characters.
  if (name.trim() === "" || name.length > 34) command.error("error: an App's name has 1 to 34 characters");
  const problem = organization === undefined ? null : loginProblem(organization);
  if (problem !== null) command.error(`error: --organization ${JSON.stringify(organization)}: ${problem}`);
  return { name, url, webhookUrl: webhookUrl ?? null };
};

export const register: Register = (program, context) => {
  const github = program
    .command("github")
    .description("Set up what labkeeper is at GitHub.")
    .addHelpText("after", examples("labkeeper github manifest --output url"));
  github
    .command("manifest")
    .description("Print the GitHub App that labkeeper needs: least permissions, its events. Asks GitHub nothing.")
    .option("--name <name>", "the App's name, which has to be free on GitHub", "labkeeper")
    .option("--url <url>", "a page about it", "https://github.com/")
    .option("--webhook-url <url>", "where GitHub delivers: https://HOST/webhooks/github; without it labkeeper polls")
    .option("--organization <login>", "with --output url: who will own the App; default: whoever opens the page")
    .addOption(outputOption("json", "url"))
    .addHelpText(
      "after",
      examples(
        "labkeeper github manifest",
        "labkeeper github manifest --output url --organization octo-org --webhook-url https://labs.example.com/webhooks/github",
      ),
    )
    .action(async (options: Options, command: Command) => {
      const wishes = wishesOf(options, command);
      if (options.output === "json") {
        context.out(JSON.stringify(appManifest(wishes), null, 2));
        return;
      }
      const { githubHost } = await context.config();
      context.out(appRegistrationUrl(wishes, `https://${githubHost}`, options.organization ?? null));
    });
};
