import type { Command } from "commander";
import { once } from "../once.ts";
import type { Role } from "../serve.ts";
import type { Register } from "./context.ts";
import { examples } from "./program.ts";
import { withEdges } from "./with-edges.ts";

const ROLES: readonly Role[] = ["reconciler", "worker", "janitor", "reporter"];

const parseRoles = (text: string, command: Command): ReadonlySet<Role> => {
  const named = text.split(",").map((role) => role.trim());
  const roles = ROLES.filter((role) => named.includes(role));
  if (roles.length !== new Set(named).size) {
    command.error(
      `error: option '--roles <list>' argument '${text}' is invalid. Allowed are ${ROLES.join(", ")}, separated by commas.`,
    );
  }
  return new Set(roles);
};

export const register: Register = (program, context) => {
  program
    .command("serve")
    .description("Follow the catalog and work the queue until stopped. Logs JSON lines to stderr.")
    .option("--roles <list>", "what this process does", ROLES.join(","))
    .addHelpText("after", examples("labkeeper serve", "labkeeper serve --roles worker"))
    .action(async (options: { readonly roles: string }, command: Command) => {
      const roles = parseRoles(options.roles, command);
      await withEdges(context, async (edges) => {
        const { config } = edges;
        const [{ patiently, serve }, { createLog }] = await Promise.all([import("../serve.ts"), import("../log.ts")]);
        const log = await createLog(config.logLevel);
        // A wrong catalog address or a schema that cannot be used is told at once, not once a poll.
        if (roles.has("reconciler")) await edges.catalog();
        const migrated = await patiently("reaching the database", () => edges.migrate(), log, context.signal);
        if (migrated !== null && migrated.applied.length > 0)
          log.info({ applied: migrated.applied }, "schema migrated");
        const onWork = async (callback: () => void): Promise<AsyncDisposable> => (await edges.store()).onWork(callback);
        const tellError = (error: unknown, pullRequest: number | null): void =>
          log.warn({ err: error, pullRequest }, "pull requests: goes on without");
        const conversation = once(() => edges.conversation(tellError));
        const listen = async (ring: () => void): Promise<AsyncDisposable | null> => {
          const healthy = async (): Promise<boolean> => (await (await edges.store()).databaseTime()) !== null;
          const onError = (error: unknown): void => log.error({ err: error }, "a delivery failed");
          const server = await edges.github.listen({ store: await edges.store(), schedule: ring, healthy, onError });
          if (server === null) return null;
          log.info({ url: server.url }, "listening");
          return { [Symbol.asyncDispose]: () => server.close() };
        };
        const [pollMs, sweepMs] = [config.pollSeconds * 1000, config.janitor.sweepMinutes * 60_000];
        await serve(
          { log, onWork, listen, ...edges, conversation },
          { roles, pollMs, sweepMs, signal: context.signal },
        );
        context.exitWith(0);
      });
    });
};
