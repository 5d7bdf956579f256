import { run } from "./cli/run.ts";
import { keepMemoryOutOfCoreDumps } from "./core-dumps.ts";

keepMemoryOutOfCoreDumps();

process.exitCode = await run(process.argv.slice(2));

// Nothing may keep the process alive once the command has ended: a handle that somebody left open is not work.
setTimeout(() => process.exit(), 2000).unref();
