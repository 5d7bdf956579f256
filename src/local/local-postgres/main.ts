/** The shipped exec provisioner: each lab is a Postgres server of its own on this host. See docs/provisioners.md. */

import { text } from "node:stream/consumers";
import { ContractError, credentialsOf, intentOf, parseRequest, type Request } from "./request.ts";
import type { Surroundings } from "./server.ts";
import { destroy, install, observe, prepare, update, verify } from "./verbs.ts";

const surroundings = (args: readonly string[]): Surroundings => ({
  sharedDir: args[0] === "--shared-dir" ? args[1] : undefined,
  progress: (percent, phase) => console.error(`::progress ${percent} ${phase}`),
});

async function answer(request: Request, around: Surroundings): Promise<object> {
  const { verb, lab } = request;
  switch (verb) {
    case "prepare":
      return await prepare(request, around);
    case "install":
      return await install(lab, intentOf(request), around);
    case "verify":
      return await verify(intentOf(request), credentialsOf(request));
    case "update":
      return await update(lab, intentOf(request), around);
    case "destroy":
      return await destroy(intentOf(request), around);
    case "observe":
      return await observe(intentOf(request));
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  try {
    const request = parseRequest(args.at(-1), await text(process.stdin));
    console.log(JSON.stringify(await answer(request, surroundings(args))));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(message);
    console.log(JSON.stringify({ error: { message } }));
    process.exitCode = error instanceof ContractError ? 3 : 1;
  }
}

await main();
