/** Text from outside is cut in many places. A secret that such a cut goes through leaves no first part of it behind. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../src/github/refusal.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { gone, lab, labText } from "../promises/files.ts";
import { world } from "../promises/world.ts";

/** No pattern knows it: only who holds the whole of it can find it. */
const CANARY = "Zr7-canary-of-a-lab-that-is-long-enough-to-be-cut-anywhere-0123456789";

/** The first part of the canary as it stands where a text is cut after so many characters. */
const across = (cut: number): string => "x ".repeat(cut / 2 - 10) + CANARY;

const PROGRAM = (): string => `
  cat >/dev/null
  say() { echo '${across(4_096)}' >&2; echo '::progress 10 ${across(120)}' >&2; }
  fail() { echo '{"error":{"message":"${across(500)}"}}'; exit 1; }
  case $1 in
    prepare) echo '{"intent":{}}';;
    install) echo '{"outputs":{},"credentials":{"password":"${CANARY}"}}';;
    verify) say; echo '{}';;
    update) say; fail;;
    destroy) say; echo '{}';;
    observe) if [ -e gone ]; then echo '{"verdict":"absent","evidence":["${across(500)}"]}'; exit 0; fi
      touch gone; echo '{"verdict":"unknown","reason":"${across(500)}"}';;
  esac`;

test("a lab's secret that lines, phases, messages and evidence are cut through", async () => {
  await using w = await world({
    profiles: { outside: { provisioner: "program" } },
    provisioners: (folder) => {
      writeFileSync(join(folder, "program.sh"), PROGRAM());
      const command = ["/bin/sh", join(folder, "program.sh")];
      return { program: execProvisioner({ name: "program", command, environment: process.env }) };
    },
  });
  await w.turn({ ...lab("one", { spec: { profile: "outside" } }), ...lab("two") });
  expect(await w.states()).toEqual({ one: "ready", two: "ready" });
  await w.turn({ "labs/team-a/one.yaml": labText("one", { spec: { profile: "outside", workers: 1 } }) });
  const { failure } = await w.lab("one");
  expect(failure?.message).toContain("program update: x x x");
  await w.turn(gone("one"));
  await w.hurry();
  await w.work();
  expect(await w.states()).toEqual({ two: "ready" });

  const files = readdirSync(w.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".sh"))
    .map((entry) => join(entry.parentPath, entry.name));
  const logs = files.filter((path) => path.endsWith("log")).map((path) => readFileSync(path, "utf8"));
  expect(logs.filter((text) => text.includes("x x x")).length).toBeGreaterThanOrEqual(3);
  for (const line of logs.join("\n").split("\n")) expect(line.length).toBeLessThan(4_200);
  const part = CANARY.slice(0, 8);
  for (const path of files) expect(readFileSync(path, "latin1").includes(part), path).toBe(false);
  expect(await w.dump()).toContain("x x x");
  expect((await w.dump()).includes(part)).toBe(false);
  expect(JSON.stringify(w.reported)).not.toContain(part);
});

test("a token in what GitHub says, where the words are cut", () => {
  const said = (message: string): string =>
    failureOf({ response: { status: 500, headers: {}, data: { message } } }).said;
  const token = `ghp_${"a1B2".repeat(10)}`;
  // What is hidden makes room for what stands behind it: so both cuts are moved over the token.
  const hidden = `password=${"s".repeat(1_000)} `;
  for (const before of ["", hidden, hidden.repeat(40)]) {
    for (let more = 0; more <= 1_300; more++) {
      const shown = said(`${before}${"y ".repeat(more / 2)}${token}`);
      expect(shown.length).toBeLessThanOrEqual(300);
      if (/ghp_|s{8}/.test(shown)) throw new Error(`${more} after ${before.length}: ${shown}`);
    }
  }
  expect(said("Bad credentials")).toBe("Bad credentials");
});
