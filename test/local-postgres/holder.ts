/** A program that uses the server of a state folder, as a labkeeper does: says where it is, and leaves when stdin ends. */

import { text } from "node:stream/consumers";
import { ensurePostgres } from "../../src/local/postgres/ensure.ts";

const [stateDir = "", sharedDir = "", durable = ""] = process.argv.slice(2);
try {
  const server = await ensurePostgres({ stateDir, durable: durable === "durable", sharedDir });
  console.log(JSON.stringify({ connection: server.connection }));
  await text(process.stdin);
  await server.stop();
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }));
  process.exitCode = 1;
}
