/**
 * Addresses and commands in every text that a catalog or a program can give: nothing is fetched, nothing is run. A server
 * on loopback is what they point at; it must never be asked. What runs is asked for its own arguments and environment.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { validationGithub } from "../../src/cli/views/validation.ts";
import { planToJson } from "../../src/core/render-json.ts";
import { planMarkdown } from "../../src/core/render-markdown.ts";
import { planText } from "../../src/core/render-text.ts";
import { openCatalog } from "../../src/git/open-catalog.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { catalogFile, gone, lab, labText } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

/** Writes down what it was started with, then does nothing: each verb answers what its contract asks for. */
const PROGRAM = (address: string): string => `
  tr '\\0' '\\n' </proc/$$/cmdline >>"$RECORD.argv"; tr '\\0' '\\n' </proc/$$/environ >>"$RECORD.env"
  cat >>"$RECORD.stdin"
  case $1 in
    prepare) echo '{"intent":{"callback":"${address}/intent"}}';;
    install) echo '{"outputs":{"url":"${address}/console","apiUrl":"${address}"},
      "credentials":{"kubeconfig":"clusters: [{name: a, cluster: {server: ${address}/api}}]","user":"admin"}}';;
    update) echo '{"outputs":{"url":"${address}/console"}}';;
    observe) if [ -e "$RECORD.gone" ]; then echo '{"verdict":"absent","evidence":["${address}/evidence"]}';
      else echo '{"verdict":"present","evidence":["${address}/evidence"]}'; fi;;
    destroy) touch "$RECORD.gone"; echo '{}';;
    *) echo '{}';;
  esac`;

/** In a file: what it makes credentials of would be in its arguments otherwise. */
function programIn(folder: string, address: string): string {
  const path = join(folder, "program.sh");
  writeFileSync(path, PROGRAM(address));
  return path;
}

/** What a shell, a loader, git or curl would act on, in the letters that a tag's value may have. */
const COMMANDS = ["--upload-pack=/tmp/pwned", "-oProxyCommand=pwned", "LD_PRELOAD=/tmp/pwned.so", "file:///etc/passwd"];

describe("a lab made of addresses and commands", () => {
  let asked = 0;
  let address = "";
  const server = createServer((socket) => {
    asked++;
    socket.destroy();
  });
  let w: World;
  const record = (name: string): string => readFileSync(join(w.folder, `record.${name}`), "utf8");

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
    w = await world({
      guards: {
        freezeWindows: [{ name: address.slice(0, 60), from: "2020-01-01T00:00:00Z", to: "2020-01-02T00:00:00Z" }],
      },
      profiles: {
        outside: {
          provisioner: "program",
          costControls: {
            estimatedHourlyCost: 1,
            warningMessage: `see ${address}/warning $(touch pwned) <img src=${address}>`,
          },
          tags: { required: [], defaults: { link: `${address}/default` }, allowUserTags: true },
        },
      },
      provisioners: (folder) => ({
        program: execProvisioner({
          name: "program",
          command: ["/bin/sh", programIn(folder, address)],
          environment: { ...process.env, RECORD: join(folder, "record"), SECRET_OF_OURS: "canary" },
          allowEnvironment: ["RECORD"],
        }),
      }),
    });
    const tags = Object.fromEntries(COMMANDS.map((command, index) => [`t${index}`, command]));
    const text = labText("one", {
      spec: { profile: "outside", tags: { ...tags, link: `${address}/tag`, LD_PRELOAD: address } },
    });
    await w.turn({
      "labs/team-a/one.yaml": `# yaml-language-server: $schema=${address}/schema\n${text.replace("sandbox", `s:${address}/cost`)}`,
      "labs/team-a/two.yaml": `${labText("two")}\nextra: !include ${address}/include\n$ref: ${address}/ref\n`,
      ".gitmodules": `[submodule "x"]\n\tpath = labs/x\n\turl = ${address}/module.git\n`,
      ".lfsconfig": `[lfs]\n\turl = ${address}/lfs\n`,
    });
  });

  afterAll(async () => {
    await w[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  });

  test("is made, looked at, shown, changed and destroyed without one of them being asked", async () => {
    expect(await w.states()).toEqual({ one: "ready" });
    const { plan } = await w.dryRun();
    for (const show of [planText(plan), planMarkdown(plan), JSON.stringify(planToJson(plan, { all: true }))])
      expect(show.length).toBeGreaterThan(0);
    validationGithub({ files: 2, problems: plan.problems }, "");
    await w.detail("one");
    await w.turn({ "labs/team-a/one.yaml": labText("one", { spec: { profile: "outside", workers: 1 } }) });
    await w.turn({ ...gone("one", "two"), ...lab("three") });
    expect(await w.states()).toEqual({ three: "ready" });
    expect(record("stdin")).toContain(`${address}/tag`);
    expect(asked).toBe(0);
    // That it would have been noticed.
    await fetch(address).catch(() => undefined);
    expect(asked).toBe(1);
  });

  test("reaches the program on stdin alone: not one word of it in arguments or environment", () => {
    const words = new Set(record("argv").split("\n"));
    const verbs = ["prepare", "install", "verify", "update", "destroy", "observe"];
    expect([...words].sort()).toEqual(["", "/bin/sh", join(w.folder, "program.sh"), ...verbs].sort());
    const environment = record("env")
      .split("\n")
      .filter((line) => line !== "");
    const names = [...new Set(environment.map((line) => line.slice(0, line.indexOf("="))))].sort();
    expect(names.filter((name) => !["HOME", "LANG", "PATH", "PWD", "RECORD", "TMPDIR"].includes(name))).toEqual([]);
    for (const text of [...COMMANDS, address, "canary"]) expect(environment.join("\n")).not.toContain(text);
    expect(readdirSync(w.folder).filter((name) => name.includes("pwned"))).toEqual([]);
    expect(existsSync("/tmp/pwned")).toBe(false);
  });
});

test.each([
  ["another protocol", "gopher://127.0.0.1/x"],
  ["a program of git's", "ext::sh -c pwned"],
  ["another host's shell", "ssh://-oProxyCommand=pwned/x"],
  ["an option", "--upload-pack=pwned"],
  ["a metadata service", "http://user:pass@169.254.169.254/latest"],
])("as the catalog's own address, %s is refused before anything is asked", async (_, url) => {
  await using w = await world();
  const open = async (): Promise<string> => await openCatalog({ url, stateDir: w.folder }).head();
  await expect(open()).rejects.toMatchObject({ code: expect.stringMatching(/^LK100[1-5]$/) });
  expect(await w.existing()).toEqual([]);
});

test("the catalog's own text cannot name a catalog, an endpoint or a program", async () => {
  await using w = await world();
  for (const [field, value] of Object.entries({
    catalog: "http://127.0.0.1:1",
    command: ["/bin/sh"],
    endpoint: "http://127.0.0.1:1",
  })) {
    w.commit({
      "catalog.yaml": catalogFile().replace("spec: {", `spec: {${JSON.stringify(field)}: ${JSON.stringify(value)}, `),
    });
    const { applied, plan } = await w.reconcile();
    expect({ applied, problems: plan.problems.length > 0 }, field).toEqual({ applied: null, problems: true });
  }
});
