/** A process's connections to the database, which break where its fate says so: inside of a transaction, or after it. */

import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Mortal, Occupation } from "./fate.ts";
import type { Transaction } from "./faults.ts";
import type { Simulation } from "./simulation.ts";

/** Functions of the database that are a transaction by themselves. */
const FUNCTIONS: readonly (readonly [RegExp, Transaction])[] = [
  [/lk_claim_jobs/, "claim"],
  [/lk_begin_steps/, "beginStep"],
  [/lk_record_intents/, "recordIntent"],
  [/lk_record_outputs/, "recordOutputs"],
  [/lk_finish_jobs/, "finish"],
];

/** What the transactions of several statements are, by who makes them. */
const LONG: Readonly<Record<Occupation, Transaction>> = {
  worker: "reserve",
  reconciler: "apply",
  janitor: "recordCheck",
};

type Query = (...args: readonly unknown[]) => unknown;

/** For longer than a process without a free connection waits, milliseconds. */
const IMPATIENCE = 60;

const lost = (): Error => Object.assign(new Error("Connection terminated unexpectedly"), { code: "08006" });

async function terminate(sim: Simulation, pid: number): Promise<void> {
  await sim.sql("select pg_terminate_backend($1)", [pid]);
  while ((await sim.sql("select 1 from pg_stat_activity where pid = $1", [pid])).length > 0) await delay(1);
}

/** Lets a statement come so far that it waits in the middle of its work, and ends its connection there. */
async function broken(sim: Simulation, pid: number, kind: Transaction, ask: () => Promise<unknown>): Promise<unknown> {
  const blocker = new pg.Client({ ...sim.connection, application_name: "observer" });
  blocker.on("error", () => undefined);
  try {
    await blocker.connect();
    await blocker.query("begin");
    await blocker.query("lock table leases in access exclusive mode");
    const answer = ask();
    let answered = false;
    const settled = answer.then(
      () => undefined,
      () => undefined,
    );
    void settled.then(() => {
      answered = true;
    });
    while (!answered) {
      const waits = await blocker.query("select 1 from pg_locks where pid = $1 and not granted", [pid]);
      if (waits.rowCount === 0) {
        await delay(1);
        continue;
      }
      await blocker.query("select pg_terminate_backend($1)", [pid]);
      sim.fault(`cut in ${kind}`);
      await settled;
    }
    return await answer;
  } finally {
    await blocker.end().catch(() => undefined);
  }
}

/** Keeps the only connection for longer than others wait for it. */
async function keptBusy(settings: { connectionTimeoutMillis?: number }, ask: () => Promise<unknown>): Promise<unknown> {
  const patience = settings.connectionTimeoutMillis ?? 0;
  settings.connectionTimeoutMillis = IMPATIENCE;
  try {
    await delay(2 * IMPATIENCE);
  } finally {
    settings.connectionTimeoutMillis = patience;
  }
  return await ask();
}

/** The connection's settings for a process of this kind. */
export function connectionOf(sim: Simulation, process: Mortal, occupation: Occupation): pg.PoolConfig {
  class Breaking extends pg.Client {
    /** `settings` are the pool's own, which it reads at each call. */
    constructor(settings: { connectionTimeoutMillis?: number }) {
      super(settings as pg.ClientConfig);
      const real = super.query.bind(this) as Query;
      let inside = false;
      const pid = (): number => (this as unknown as { readonly processID: number }).processID;
      const query = (...args: readonly unknown[]): unknown => {
        const [text] = args;
        // The pool's own queries answer to a callback.
        if (typeof text !== "string" || typeof args.at(-1) === "function") return real(...args);
        const kind = inside ? LONG[occupation] : FUNCTIONS.find(([pattern]) => pattern.test(text))?.[1];
        const begins = /^begin\b/.test(text);
        if (begins) inside = true;
        if (text === "commit" || text === "rollback") inside = false;
        if (kind === undefined || begins || text === "rollback") return real(...args);
        return suffer(kind, text, () => real(...args) as Promise<unknown>);
      };
      const suffer = async (kind: Transaction, text: string, ask: () => Promise<unknown>): Promise<unknown> => {
        const what = text === "commit" ? `commit ${kind}` : kind;
        switch (process.state === "alive" ? process.inside("sql", what) : null) {
          case "cut-in":
            if (!inside) return await broken(sim, pid(), kind, ask);
            // Between two statements, which is where it may also be idle.
            await terminate(sim, pid());
            sim.fault(`cut in ${kind}`);
            return await ask();
          case "answer-lost":
            await ask();
            await terminate(sim, pid());
            sim.fault(`answer lost: ${kind}`);
            throw lost();
          case "exhausted":
            return await keptBusy(settings, ask);
          default:
            return await ask();
        }
      };
      Object.assign(this, { query });
    }
  }
  const narrow = process.has("one-connection") || process.has("exhausted");
  return {
    ...sim.connection,
    ...(narrow ? { max: 1 } : {}),
    Client: Breaking as unknown as new () => pg.ClientBase,
  };
}
