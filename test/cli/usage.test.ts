import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { palette } from "../../src/cli/palette.ts";
import { createProgram } from "../../src/cli/program.ts";
import { labkeeper, start } from "./run-labkeeper.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper usage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Help of every command, without starting a process for each. */
const helps = (): readonly { readonly name: string; readonly text: string; readonly outputs: readonly string[] }[] => {
  const plain = palette(false);
  const program = createProgram("0.0.0", plain);
  const unused = (): never => {
    throw new Error("help needs nothing from outside");
  };
  const context: CommandContext = {
    out: unused,
    note: unused,
    run: unused,
    exitWith: unused,
    config: unused,
    signal: new AbortController().signal,
    outputClosed: new AbortController().signal,
    colours: plain,
    noteColours: plain,
    columns: null,
    noteColumns: () => null,
    actor: "cli:test",
  };
  for (const register of commands) register(program, context);
  const leaves = program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands));
  return leaves.map((command) => {
    const chunks: string[] = [];
    command.configureOutput({ writeOut: (text) => void chunks.push(text) });
    command.outputHelp();
    const output = command.options.find(({ long }) => long === "--output");
    const outer = command.parent === program ? "" : `${command.parent?.name()} `;
    return { name: `${outer}${command.name()}`, text: chunks.join(""), outputs: output?.argChoices ?? [] };
  });
};

describe("help", () => {
  it("has every command of the design", () => {
    expect(helps().map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "validate",
        "schema",
        "reconcile",
        "serve",
        "status",
        "explain",
        "logs",
        "credentials",
        "retry",
        "cancel",
        "approve",
        "secrets put",
        "orphans list",
        "orphans ignore",
        "orphans destroy",
        "migrate",
        "doctor",
        "demo",
      ]),
    );
  });

  it.each(helps().map((help) => [help.name, help] as const))(
    "of %s says what it does, with an example",
    (name, { text }) => {
      expect(text).toMatch(new RegExp(`^Usage: labkeeper ${name}`));
      expect(text).toContain(`$ labkeeper ${name}`);
      expect(text.split("\n\n")[1]?.length ?? 0).toBeGreaterThan(20);
    },
  );

  it("offers text and JSON wherever there is something to print", () => {
    for (const { name, outputs } of helps()) {
      // They print no result, or one that is a JSON document itself.
      if (["serve", "demo", "schema", "github manifest"].includes(name)) continue;
      expect([name, ...outputs]).toEqual(expect.arrayContaining(["text", "json"]));
    }
  });

  it("goes to stdout and is no failure", async () => {
    const [help, version] = await Promise.all([labkeeper(["--help"]), labkeeper(["--version"])]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Exit codes:");
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("wrong usage", () => {
  it.each([
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["status", "--frobnicate"], "unknown option '--frobnicate'"],
    [["status", "-o", "xml"], "Allowed choices are text, json, markdown"],
    [["explain"], "missing required argument 'lab'"],
    [["status", "a", "b"], "too many arguments"],
    [["reconcile", "--detailed-exitcode"], "--detailed-exitcode needs --dry-run"],
    [["reconcile", "--dry-run", "--wait"], "--wait"],
    [["github", "manifest", "--organization", "a/b?c"], 'error: --organization "a/b?c": a login has letters'],
    [["github", "manifest", "--output", "url", "--organization", "octo--org"], "hyphens stand alone"],
    [["github", "manifest", "--organization", "a".repeat(40)], "a login has at most 39 characters"],
    [["serve", "--roles", "king"], "reconciler, worker"],
    [["logs", "x", "--follow", "-o", "json"], "--follow prints text only"],
  ])("labkeeper %j exits 2 and says why", async (args, why) => {
    const ended = await labkeeper(args);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(why);
    expect(ended.stderr).toMatch(/See `labkeeper[^`]* --help`\./);
  });

  it("is JSON on stderr when JSON was asked for", async () => {
    const ended = await labkeeper(["status", "--frobnicate", "--output=json"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(JSON.parse(ended.stderr)).toMatchObject({
      error: { code: "usage", message: "unknown option '--frobnicate'" },
    });
  });

  it("without a command is help on stderr", async () => {
    const ended = await labkeeper([]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("Usage: labkeeper");
  });
});

describe("wrong configuration", () => {
  it("exits 1 with a code, every problem and a remedy, and no stack", async () => {
    const ended = await labkeeper(["status"], { LABKEEPER_POLL_SECONDS: "x", LABKEEPER_LOG_LEVEL: "y" });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^LK7001: .*\n {2}- LABKEEPER_LOG_LEVEL: .*\n {2}- LABKEEPER_POLL_SECONDS: .*\n→ /);
    expect(ended.stderr).not.toContain("    at ");
  });

  it("shows the stack with --debug", async () => {
    const ended = await labkeeper(["status", "--debug"], { LABKEEPER_POLL_SECONDS: "x" });
    expect(ended.stderr).toContain("    at ");
  });

  it("says that a database cannot be reached, without its password", async () => {
    const ended = await labkeeper(["status", "-o", "json"], {
      LABKEEPER_DATABASE_URL: "postgres://user:hunter2@127.0.0.1:1/none",
      LABKEEPER_STATE_DIR: folder,
    });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code: "LK4001" } });
    expect(ended.stderr).not.toContain("hunter2");
  });

  it("asks for a catalog where none is named", async () => {
    const ended = await labkeeper(["serve", "--roles", "reconciler"], { LABKEEPER_STATE_DIR: folder });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("--catalog");
  });
});

describe("doctor", () => {
  it("names each thing that is wrong with its remedy, and exits 1", async () => {
    const config = join(folder, "doctor.yaml");
    await writeFile(config, "provisioners: {mine: {type: exec, command: [/nonexistent/provision], env: [NOT_SET]}}\n", {
      mode: 0o644,
    });
    const ended = await labkeeper(["doctor", "-o", "json", "--config", config], {
      LABKEEPER_DATABASE_URL: "postgres://user:hunter2@127.0.0.1:1/none",
      LABKEEPER_STATE_DIR: join(folder, "doctor state"),
      LABKEEPER_CATALOGUE: "typo",
    });
    expect(ended.code).toBe(1);
    const { passed, checks } = JSON.parse(ended.stdout) as {
      passed: boolean;
      checks: { name: string; verdict: string; remedy: string | null }[];
    };
    const verdicts = Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
    expect(passed).toBe(false);
    expect(verdicts).toMatchObject({
      node: "ok",
      config: "warning",
      "state folder": "ok",
      database: "failed",
      catalog: "failed",
      "provisioner mine": "failed",
      "provisioner local-postgres": "ok",
    });
    for (const { verdict, remedy } of checks) expect(remedy === null).toBe(verdict === "ok" || verdict === "skipped");
  });
});

describe("a reader who leaves", () => {
  it("is no error", async () => {
    const { child, ended } = start(["--help"]);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});
