/** What a crash leaves behind holds no secret: real crashes, real dumps, where this system writes them to files. */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkCoreDumps } from "../../src/cli/doctor/host-checks.ts";
import { packageFile } from "../../src/package-root.ts";
import { labkeeper } from "../cli/run-labkeeper.ts";
import { createDatabase } from "../database.ts";

const CANARY = "c4nary-of-the-core-dump";

const readOr = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const linux = process.platform === "linux";
const writesFiles =
  linux &&
  readOr("/proc/sys/kernel/core_pattern").trim() === "core" &&
  !/^Max core file size\s+\S+\s+0\s/m.test(readOr("/proc/self/limits"));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "labkeeper-core-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program that may write dumps into the folder; answers how it ended. */
const crash = (command: string, args: readonly string[]): Promise<NodeJS.Signals | null> =>
  new Promise((resolve, reject) => {
    const script = 'ulimit -c unlimited && exec "$@"';
    const child = spawn("/bin/sh", ["-c", script, "sh", command, ...args], { cwd: folder, stdio: "ignore" });
    child.on("error", reject);
    child.on("close", (_code, signal) => resolve(signal));
  });

const dumps = (): Buffer[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith("core"))
    .map((name) => readFileSync(join(folder, name)));

const module = JSON.stringify(packageFile("src/core-dumps.ts"));
/** Put together while it runs, so that it is in memory and not only in the program's text. */
const secret = JSON.stringify([...CANARY]);
const prepare = `const { keepMemoryOutOfCoreDumps } = await import(${module}); keepMemoryOutOfCoreDumps();
  globalThis.kept = ${secret}.join("");`;
const dying = 'x=c4nary-of; x="$x-the-core-dump"; kill -ABRT $$';

describe.runIf(writesFiles)("a core dump", () => {
  test("of any program holds what it knew", async () => {
    expect(await crash("/bin/sh", ["-c", dying])).toBe("SIGABRT");
    expect(dumps()).toHaveLength(1);
    expect(dumps().some((dump) => dump.includes(CANARY))).toBe(true);
  });

  test("of the product itself holds none of it", async () => {
    const ended = await crash(process.execPath, ["--input-type=module", "-e", `${prepare} process.abort();`]);
    expect(ended).toBe("SIGABRT");
    expect(dumps()).toHaveLength(1);
    expect(dumps().some((dump) => dump.includes(CANARY))).toBe(false);
  });

  test("of a program that it started holds none of it", async () => {
    const child = `const { spawnSync } = await import("node:child_process");
      process.exit(spawnSync("/bin/sh", ["-c", ${JSON.stringify(dying)}]).signal === "SIGABRT" ? 0 : 1);`;
    await crash(process.execPath, ["--input-type=module", "-e", `${prepare} ${child}`]);
    expect(dumps()).toHaveLength(1);
    expect(dumps().some((dump) => dump.includes(CANARY))).toBe(false);
  });
});

test.runIf(linux)("doctor, a command like all others, finds them without memory", async () => {
  const database = await createDatabase();
  const environment = { LABKEEPER_STATE_DIR: folder, LABKEEPER_DATABASE_URL: database.url };
  const { stdout } = await labkeeper(["doctor", "-o", "json"], environment).finally(() => database.drop());
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] };
  expect(checks.find(({ name }) => name === "core dumps")).toMatchObject({ verdict: "ok", detail: "hold no memory" });
});

describe("doctor", () => {
  test.each([
    [{ withMemory: false, limit: "unlimited" }, "ok"],
    [{ withMemory: true, limit: "0" }, "ok"],
    [{ withMemory: null, limit: "0" }, "ok"],
    [{ withMemory: true, limit: "unlimited" }, "warning"],
    [{ withMemory: true, limit: "1024" }, "warning"],
    [{ withMemory: null, limit: null }, "warning"],
  ])("of %j says %s", async (found, verdict) => {
    expect(await checkCoreDumps(found)).toMatchObject({ verdict });
  });
});
