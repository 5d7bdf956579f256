import pg from "pg";

/** Runs one query on a lab, as its user would with the credentials. `url` is the credential of that name. */
export async function askPostgres(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: "labkeeper-demo",
  });
  // A server that goes away while we are connected is told by the query, not by an event nobody listens to.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
