#!/usr/bin/env node
// The first file that runs, under whatever Node is there: it imports nothing before that Node is known to be new enough.

const OLDEST = [20, 19];
/** From here on Node runs TypeScript sources as they are. */
const STRIPS_TYPES = [22, 18];

const version = process.versions.node.split(".").map(Number);
const isAtLeast = ([major, minor]) => version[0] > major || (version[0] === major && version[1] >= minor);

const fail = (message) => {
  console.error(`labkeeper: ${message}`);
  process.exitCode = 1;
};

async function start() {
  const { existsSync } = await import("node:fs");
  const { fileURLToPath } = await import("node:url");
  const inPackage = (path) => new URL(`../${path}`, import.meta.url);

  const built = inPackage("dist/main.js");
  if (existsSync(built)) {
    const { enableCompileCache } = await import("node:module");
    // For root the default folder, in the shared temporary folder, would be one that others can prepare.
    if (enableCompileCache && process.getuid?.() !== 0) enableCompileCache();
    await import(built.href);
    return;
  }

  // A clone that was not built.
  const source = inPackage("src/main.ts");
  if (isAtLeast(STRIPS_TYPES)) {
    await import(source.href);
    return;
  }
  const newer = inPackage("node_modules/node/bin/node");
  if (existsSync(newer)) {
    await runWith(fileURLToPath(newer), fileURLToPath(source));
    return;
  }
  fail(
    `Node ${process.versions.node} cannot run the sources\n→ run \`npm ci\` here, which brings a newer Node, or \`npm run build\``,
  );
}

/** Hands over to another Node and ends as it ends. */
async function runWith(node, file) {
  const { spawn } = await import("node:child_process");
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (isAtLeast(OLDEST)) {
  start().catch((error) => {
    fail(`cannot start: ${process.argv.includes("--debug") ? error.stack : error.message}\n→ install labkeeper again`);
  });
} else {
  fail(
    `Node ${OLDEST.join(".")} or newer is needed, this is ${process.versions.node}\n→ install a newer Node from https://nodejs.org`,
  );
}
