import type { Command } from "commander";
import type { CloudAccount, OrphanRow, OrphanStore } from "../cloud-ports.ts";
import { isOfLivingLab } from "../core/orphans.ts";
import { escapeTerminal } from "../core/render-escape.ts";
import { LabkeeperError } from "../errors.ts";
import type { CommandContext, Register } from "./context.ts";
import type { Palette } from "./palette.ts";
import { examples, outputOption } from "./program.ts";
import { table } from "./table.ts";
import { duration, secondsBetween } from "./time.ts";
import { withEdges } from "./with-edges.ts";

interface Format {
  readonly output: "text" | "json";
}

const madeAgo = ({ resource: { createdAt } }: OrphanRow, now: Date): string =>
  createdAt === null ? "?" : duration(secondsBetween(createdAt, now));

const cost = (dailyCost: number | null): string => (dailyCost === null ? "?" : `$${dailyCost.toFixed(2)}`);

/** As text; `why` and the rest come from a cloud's tags, so nothing of it may move the cursor. */
export const orphansText = (rows: readonly OrphanRow[], now: Date, colours: Palette): string => {
  if (rows.length === 0) return "No orphans.";
  const header = ["STATE", "TYPE", "AGE", "A DAY", "LAB", "WHY", "ID"].map((title) => colours.bold(title));
  const lines = rows.map((row) => [
    row.state,
    escapeTerminal(row.resource.type),
    madeAgo(row, now),
    cost(row.resource.dailyCost),
    escapeTerminal(row.lab ?? "-"),
    escapeTerminal(row.why),
    escapeTerminal(row.resource.id),
  ]);
  const open = rows.filter(({ state }) => state === "open");
  const known = open.reduce((sum, { resource }) => sum + (resource.dailyCost ?? 0), 0);
  const unknown = open.filter(({ resource }) => resource.dailyCost === null).length;
  const sum = `${open.length} open, about ${cost(known)} a day${unknown === 0 ? "" : ` and ${unknown} of unknown cost`}`;
  return `${table([header, ...lines])}\n\n${sum}`;
};

const orphansJson = (orphans: readonly OrphanRow[]): string =>
  JSON.stringify({ apiVersion: "labkeeper.dev/v1", kind: "Orphans", orphans }, null, 2);

const describe = ({ resource, why, lab }: OrphanRow): string => {
  const { type, id, account, region, dailyCost } = resource;
  const of = lab === null ? "" : ` of ${lab}`;
  return escapeTerminal(`${type} ${id} in ${account}/${region}, ${cost(dailyCost)} a day: ${why}${of}`);
};

const orphanWithId = async (store: OrphanStore, id: string): Promise<OrphanRow> => {
  const row = (await store.orphans(true)).find(({ resource }) => resource.id === id);
  if (row === undefined) throw new LabkeeperError("LK3006", `${id} is not listed`);
  if (row.state === "open" || row.state === "ignored") return row;
  throw new LabkeeperError("LK3006", `${id} is ${row.state} already`);
};

export interface Destruction {
  readonly store: OrphanStore;
  readonly account: Pick<CloudAccount, "destroyResource">;
  readonly actor: string;
  readonly signal: AbortSignal;
  /** Told what will be removed; false leaves it. */
  readonly agree: (what: string) => Promise<boolean>;
}

/**
 * Removes exactly the resource that is listed under this id, when a person agrees; null when not. What a living lab
 * answers for by now is refused (LK3006). Recorded after the cloud has removed it: a failure leaves it listed.
 */
export async function destroyOrphan(destruction: Destruction, id: string): Promise<OrphanRow | null> {
  const { store, account, actor, signal, agree } = destruction;
  const row = await orphanWithId(store, id);
  const isOwned = async () => isOfLivingLab(row.resource, await store.knownLabs());
  if (await isOwned()) throw new LabkeeperError("LK3006", `${id} belongs to a living lab`);
  if (!(await agree(describe(row)))) return null;
  // A person may take long to answer.
  if (await isOwned()) throw new LabkeeperError("LK3006", `${id} belongs to a living lab`);
  await account.destroyResource(row.resource, signal);
  return await store.decideOrphan(id, "destroyed", actor);
}

const list = (orphans: Command, context: CommandContext): void => {
  orphans
    .command("list")
    .description("Resources in the cloud that no living lab answers for, with age, cost a day and why.")
    .option("--all", "also those that are ignored, gone or destroyed")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper orphans list", "labkeeper orphans list --all --output json"))
    .action(async ({ all, output }: Format & { readonly all?: boolean }) =>
      withEdges(context, async (edges) => {
        const store = await edges.store();
        const rows = await store.orphans(all === true);
        const now = await store.databaseTime();
        context.out(output === "json" ? orphansJson(rows) : orphansText(rows, now, context.colours));
        if (!edges.cloud.sweeps) context.note("→ Nothing is looked for: set aws.regions in the configuration file.");
      }),
    );
};

const ignore = (orphans: Command, context: CommandContext): void => {
  orphans
    .command("ignore")
    .description("Leave a resource out of the list from now on.")
    .argument("<id>", "its id, from `labkeeper orphans list`")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper orphans ignore arn:aws:ec2:us-east-1:123456789012:volume/vol-0123"))
    .action(async (id: string, { output }: Format) =>
      withEdges(context, async (edges) => {
        const row = await (await edges.store()).decideOrphan(id, "ignored", context.actor);
        context.out(output === "json" ? orphansJson([row]) : `${escapeTerminal(id)} is ignored.`);
      }),
    );
};

const destroy = (orphans: Command, context: CommandContext): void => {
  orphans
    .command("destroy")
    .description("Remove one resource from the cloud, by its exact id, after saying what it is.")
    .argument("<id>", "its id, from `labkeeper orphans list`")
    .option("--yes", "do not ask; needed where nobody can be asked")
    .addOption(outputOption("text", "json"))
    .addHelpText("after", examples("labkeeper orphans destroy arn:aws:ec2:us-east-1:123456789012:volume/vol-0123"))
    .action(async (id: string, { yes, output }: Format & { readonly yes?: boolean }, command: Command) => {
      const { canAsk, confirm } = await import("./confirm.ts");
      if (yes !== true && !canAsk()) command.error("error: there is nobody to ask here: --yes is needed");
      await withEdges(context, async (edges) => {
        const agree = async (what: string): Promise<boolean> => {
          context.note(`Will be removed: ${what}`);
          return yes === true || (await confirm("Remove it for good?", context.signal));
        };
        const { actor, signal } = context;
        const { account } = edges.cloud;
        const removed = await destroyOrphan({ store: await edges.store(), account, actor, signal, agree }, id);
        if (removed === null) {
          context.note("Nothing was removed.");
          context.exitWith(1);
          return;
        }
        context.out(output === "json" ? orphansJson([removed]) : `${escapeTerminal(id)} is removed.`);
      });
    });
};

export const register: Register = (program, context) => {
  const orphans = program
    .command("orphans")
    .description("Resources in the cloud that no living lab answers for: list, ignore or destroy them one by one.")
    .addHelpText("after", examples("labkeeper orphans list"));
  for (const add of [list, ignore, destroy]) add(orphans, context);
};
