import { escapeTerminal } from "../core/render-escape.ts";
import type { CommandContext, Register } from "./context.ts";
import type { Check, Verdict } from "./doctor/check.ts";
import type { Palette } from "./palette.ts";
import { examples, outputOption } from "./program.ts";
import { widthOf } from "./table.ts";
import { withEdges } from "./with-edges.ts";

const MARKS: Readonly<Record<Verdict, (colours: Palette) => string>> = {
  ok: (colours) => colours.green("✔"),
  warning: (colours) => colours.yellow("!"),
  failed: (colours) => colours.red("✘"),
  skipped: (colours) => colours.dim("-"),
};

const examine = async (context: CommandContext): Promise<readonly Check[]> =>
  withEdges(context, async (edges) => {
    const { config } = edges;
    const [{ look }, host, edge, cloud, { checkGithub }] = await Promise.all([
      import("./doctor/check.ts"),
      import("./doctor/host-checks.ts"),
      import("./doctor/edge-checks.ts"),
      import("./doctor/cloud-checks.ts"),
      import("./doctor/github-checks.ts"),
    ]);
    const { artifacts, secrets } = config;
    const stores = [
      artifacts.kind === "folder"
        ? [look("artifacts", () => host.checkFolder("artifacts", artifacts.folder, false))]
        : [cloud.checkBucketSettings(edges)],
      secrets.kind === "folder"
        ? [
            look("secrets", () => host.checkFolder("secrets", secrets.folder, true)),
            look("secrets key", () => host.checkKey(config.secretsKeyFile)),
          ]
        : [look("secrets", () => cloud.checkSecretsManager(edges))],
    ];
    const database = await look("database", () => edge.checkDatabase(edges));
    const schema = database.verdict === "ok" ? [await look("schema", () => edge.checkSchema(edges))] : [];
    // The clock is asked through the store, which needs its schema.
    const clock = schema[0]?.verdict === "ok" ? [look("clock", () => edge.checkClock(edges))] : [];
    const profiles = await cloud.enabledProfiles(edges);
    const checks: readonly (Check | readonly Check[])[] = await Promise.all([
      look("node", host.checkNode),
      look("core dumps", () => host.checkCoreDumps()),
      look("config", () => host.checkConfig(config)),
      look("state folder", () => host.checkFolder("state folder", config.stateDir, true)),
      ...stores.flat(),
      database,
      ...schema,
      ...clock,
      look("git", () => host.checkGit(config)),
      look("catalog", () => edge.checkCatalog(edges)),
      look("profiles", () => cloud.checkProfiles(edges, profiles)),
      ...edges.provisionerNames().map((name) => look(`provisioner ${name}`, () => host.checkProvisioner(config, name))),
      cloud.checkInstallers(edges, profiles),
      cloud.checkInstallSecrets(edges, profiles),
      ...cloud
        .accountNames(config)
        .map((name) => look(`account ${name ?? "default"}`, () => cloud.checkAccount(edges, name))),
      cloud.checkSweep(edges, profiles),
      checkGithub(config, edges.github),
      cloud.checkProofs(edges, profiles),
    ]);
    return checks.flat();
  });

const asText = (checks: readonly Check[], colours: Palette): string => {
  const width = Math.max(...checks.map(({ name }) => widthOf(name)));
  return checks
    .flatMap(({ name, verdict, detail, remedy }) => [
      `${MARKS[verdict](colours)} ${name.padEnd(width)}  ${escapeTerminal(detail)}`,
      ...(remedy === null ? [] : [`  ${" ".repeat(width)}  ${colours.cyan("→")} ${escapeTerminal(remedy)}`]),
    ])
    .join("\n");
};

export const register: Register = (program, context) => {
  program
    .command("doctor")
    .description(
      "Check configuration, database, catalog, programs, clouds, clocks and permissions; exit 1 when one fails.",
    )
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper doctor"))
    .action(async ({ output }: { readonly output: "text" | "json" }) => {
      const checks = await examine(context);
      const passed = checks.every(({ verdict }) => verdict !== "failed");
      if (output === "json") context.out(JSON.stringify({ passed, checks }, null, 2));
      else context.out(asText(checks, context.colours));
      if (!passed) context.exitWith(1);
    });
};
