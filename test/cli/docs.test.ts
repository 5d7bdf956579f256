import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { palette } from "../../src/cli/palette.ts";
import { createProgram } from "../../src/cli/program.ts";
import { VARIABLES } from "../../src/config.ts";
import { packageFile } from "../../src/package-root.ts";

const page = await readFile(packageFile("docs/cli.md"), "utf8");

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Dotted paths of the settings a configuration file may hold. */
const fieldsOf = ({ properties = {} }: Schema, prefix = ""): string[] =>
  Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties === undefined ? [`${prefix}${name}`] : fieldsOf(inner, `${prefix}${name}.`),
  );

describe("docs/cli.md", () => {
  it("names every command and every option", () => {
    const program = createProgram("0.0.0", palette(false));
    for (const register of commands) register(program, {} as CommandContext);
    for (const command of program.commands) {
      expect(page).toMatch(new RegExp(`^### .*\\b${command.name()}\\b`, "m"));
      for (const { long } of command.options)
        expect([command.name(), page]).toEqual([command.name(), expect.stringContaining(long ?? "?")]);
    }
    for (const { long } of program.options.filter(
      (option) => option.long !== "--version" && option.long !== "--debug",
    )) {
      expect(page).toContain(long);
    }
  });

  it("names every variable", () => {
    for (const name of VARIABLES) expect(page).toContain(`\`${name}\``);
  });

  it("names every setting of the configuration file", async () => {
    const schema: Schema = JSON.parse(await readFile(packageFile("schemas/config.schema.json"), "utf8"));
    const fields = fieldsOf(schema).filter((field) => field !== "apiVersion" && field !== "kind");
    expect(fields.length).toBeGreaterThan(15);
    for (const field of fields) expect(page).toContain(`\`${field}\``);
  });
});
