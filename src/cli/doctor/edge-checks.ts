import type { Edges } from "../../wire.ts";
import type { Check } from "./check.ts";
import { failed, ok, warning } from "./check.ts";

/** Leases live by the database's clock, so a skew only confuses people; beyond this it confuses them badly. */
const MOST_SKEW_SECONDS = 5;

const versionWords = (serverVersion: number): string =>
  `Postgres ${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;

export const checkDatabase = async (edges: Edges): Promise<Check> => {
  const { serverVersion } = await edges.schemaStatus();
  const where = edges.config.databaseUrl === null ? "embedded" : "LABKEEPER_DATABASE_URL";
  return serverVersion < 150_000
    ? failed("database", `${where}, ${versionWords(serverVersion)}`, "Use Postgres 15 or newer.")
    : ok("database", `${where}, ${versionWords(serverVersion)}`);
};

export const checkSchema = async (edges: Edges): Promise<Check> => {
  const { applied, known } = await edges.schemaStatus();
  const found = applied.at(-1) ?? 0;
  const newest = known.at(-1) ?? 0;
  if (found > newest) {
    return failed("schema", `version ${found}, this program knows ${newest}`, "Use a newer labkeeper.");
  }
  const missing = known.filter((version) => !applied.includes(version));
  if (missing.length === 0) return ok("schema", `version ${found}`);
  const detail = found === 0 ? "not made yet" : `version ${found} of ${newest}`;
  return edges.config.databaseUrl === null
    ? ok("schema", `${detail}; made at the first use`)
    : failed("schema", detail, "Run `labkeeper migrate`.");
};

export const checkClock = async (edges: Edges): Promise<Check> => {
  const store = await edges.store();
  const before = Date.now();
  const database = await store.databaseTime();
  const skew = (database.getTime() - (before + Date.now()) / 2) / 1000;
  const words = `${Math.abs(skew).toFixed(2)} s between this host and the database`;
  return Math.abs(skew) > MOST_SKEW_SECONDS
    ? warning("clock", words, "Synchronise the clocks (NTP): times shown would mislead.")
    : ok("clock", words);
};

export const checkCatalog = async (edges: Edges): Promise<Check> => {
  if (edges.config.catalog === null) {
    return failed("catalog", "nothing names one", "Set LABKEEPER_CATALOG or --catalog to a git repository.");
  }
  const catalog = await edges.catalog();
  const head = await catalog.head();
  const files = await catalog.policyFiles(head);
  const detail = `${edges.config.catalog} at ${head.slice(0, 10)}`;
  return files.some(({ path }) => path === "catalog.yaml")
    ? ok("catalog", detail)
    : failed("catalog", `${detail} has no catalog.yaml`, "Add a catalog.yaml; see `labkeeper validate`.");
};
