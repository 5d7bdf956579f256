import { setTimeout as delay } from "node:timers/promises";
import { Kysely, PostgresDialect } from "kysely";
import type pg from "pg";
import { type ErrorCode, LabkeeperError } from "../errors.ts";
import { asKyselyPool, boundedPool, type Deadlines, noSilence, type Silence } from "./pool.ts";

/** Anything `pg` understands: a URL, or host (a socket folder too), user, database, password. */
export type Connection = pg.PoolConfig;

/** Queries are written in SQL; Kysely binds their values and types their rows. */
export type Db = Kysely<unknown>;

export interface Database {
  readonly db: Db;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** How long a connection may take to end before it is left to itself, milliseconds. */
export const LONGEST_GOODBYE = 5_000;

/** For what no lease waits for, such as a plan of ten thousand labs. */
const PATIENT: Deadlines = { queryMs: 60_000, connectMs: 10_000 };

export function connect(
  connection: Connection,
  options: {
    readonly max?: number;
    readonly name?: string;
    readonly deadlines?: Deadlines;
    readonly silence?: Silence;
  } = {},
): Database {
  const settings = { max: options.max ?? 12, application_name: options.name ?? "labkeeper", ...connection };
  const pool = boundedPool(settings, options.deadlines ?? PATIENT);
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: asKyselyPool(pool, options.silence ?? noSilence()) }),
  });
  // A connection that nobody answers any more does not even end.
  const close = (): Promise<void> => Promise.race([db.destroy(), delay(LONGEST_GOODBYE, undefined, { ref: false })]);
  return { db, pool, close };
}

/** SQLSTATEs raised by the migrations' triggers and functions. */
const OWN_STATES: Readonly<Record<string, ErrorCode>> = {
  LK001: "LK4004",
  LK002: "LK4005",
  LK003: "LK4005",
  LK004: "LK4005",
  LK005: "LK4005",
  LK006: "LK4005",
};

/**
 * What a failed query means to the stories. Classes 08, 53, 57 and network errors are the server's state, serialization
 * failures and deadlocks pass by themselves (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
export function storeError(error: unknown): LabkeeperError {
  if (error instanceof LabkeeperError) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const state = typeof code === "string" ? code : "";
  const text = typeof message === "string" ? message : String(error);
  const own = OWN_STATES[state];
  if (own) return new LabkeeperError(own, text, { cause: error });
  if (state === "42P01") return new LabkeeperError("LK4007", text, { cause: error });
  if (/^(23|22|42)/.test(state)) return new LabkeeperError("LK4005", text, { cause: error });
  return new LabkeeperError("LK4001", text, { cause: error });
}

/** Runs database work and answers its failure as a LabkeeperError. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error);
  }
}
