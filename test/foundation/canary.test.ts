/** The search for leaked secrets finds what it is there to find, wherever and however it shows. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { expectNoLeak, leaks, overheard, remembering, secretsOf, watchedProcesses } from "../canary.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { gone, lab } from "../promises/files.ts";
import { world } from "../promises/world.ts";

const SECRET = 'p4ss/w0rd+"with" \\ all & sorts=';

let folder: string;
let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client(database.connection);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper-canary-"));
  return () => rm(folder, { recursive: true, force: true });
});

const base64 = (text: string, alphabet: "base64" | "base64url" = "base64"): string =>
  Buffer.from(text).toString(alphabet);

describe("a secret is found", () => {
  test.each([
    ["plain", SECRET],
    ["in JSON", JSON.stringify({ password: SECRET })],
    ["in JSON in JSON", JSON.stringify({ body: JSON.stringify({ password: SECRET }) })],
    ["in a URL", `https://user:${encodeURIComponent(SECRET)}@example.com`],
    ["in a form", `a=b&password=${encodeURIComponent(SECRET).replaceAll("%20", "+")}`],
    ["in base64", base64(SECRET)],
    ["in base64 after one byte", base64(`:${SECRET}`)],
    ["in base64 after two", base64(`u:${SECRET}@`)],
    ["in base64url", base64(`xyz${SECRET}`, "base64url")],
    ["in base64url after one", base64(`?${SECRET}?`, "base64url")],
  ])("%s", async (_, text) => {
    expect(await leaks([SECRET], { said: { output: `before ${text} after` } })).toHaveLength(1);
    await expect(expectNoLeak([SECRET], { said: { output: text } })).rejects.toThrow(/p4ss… in output$/);
  });

  test("in base64 of any text that holds it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        fc.string(),
        fc.constantFrom<"base64" | "base64url">("base64", "base64url"),
        async (before, after, how) => {
          const said = { output: base64(`${before}${SECRET}${after}`, how) };
          expect(await leaks([SECRET], { said })).toHaveLength(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("in an error, in its cause and in its fields", async () => {
    const cause = Object.assign(new Error("x"), { response: { headers: { authorization: `Bearer ${SECRET}` } } });
    for (const error of [new LabkeeperError("LK5002", SECRET), new LabkeeperError("LK5002", "failed", { cause })]) {
      expect(await leaks([SECRET], { said: { errors: [error] } })).toHaveLength(1);
    }
  });

  test("in a row of any table", async () => {
    await client.query("create table elsewhere (words bytea, told jsonb)");
    try {
      await client.query("insert into elsewhere (told) values ($1)", [JSON.stringify({ note: SECRET })]);
      expect(await leaks([SECRET], { database: client })).toEqual([expect.stringContaining("table elsewhere")]);
    } finally {
      await client.query("drop table elsewhere");
    }
    expect(await leaks([SECRET], { database: client })).toEqual([]);
  });

  test("in a file, and in the name of a file", async () => {
    await mkdir(join(folder, "deep"));
    await writeFile(join(folder, "deep", "log"), `xxünï${SECRET}`);
    await writeFile(join(folder, base64("pässword-1234", "base64url")), "");
    expect(await leaks([SECRET, "pässword-1234"], { folders: [folder, join(folder, "none")] })).toHaveLength(2);
  });

  test("in a file byte by byte, whatever letters it has", async () => {
    await writeFile(join(folder, "log"), "the pässwörd-1234 is it");
    expect(await leaks(["pässwörd-1234"], { folders: [folder] })).toHaveLength(1);
  });

  test("in the arguments of a process that was started", async () => {
    const secret = `argument-${process.pid}-${Date.now()}`;
    expect(await leaks([secret], {})).toEqual([]);
    await once(spawn("true", ["--password", secret]), "close");
    expect(await leaks([secret], {})).toEqual([expect.stringContaining("process arguments")]);
  });
});

test.runIf(process.platform === "linux")(
  "a secret is found in the arguments of anybody's process, also a short one",
  async () => {
    const secret = `grandchild-${process.pid}-${Date.now()}`;
    const watch = watchedProcesses();
    const script = 'sh -c "read line; :" "$SECRET"; echo gone; read line; exit 0';
    const child = spawn("/bin/sh", ["-c", script], { env: { SECRET: secret }, stdio: ["pipe", "pipe", "ignore"] });
    try {
      await expect
        .poll(() => leaks([secret], {}), { timeout: 10_000 })
        .toEqual([expect.stringMatching(/process list$/)]);
      await expect.poll(() => leaks([secret], { said: { seen: watch.seen } })).not.toEqual([]);
      child.stdin.write("\n");
      await once(child.stdout, "data");
      expect(await leaks([secret], {})).toEqual([]);
    } finally {
      child.stdin.end("\n");
      await watch.stop();
    }
    expect(await leaks([secret], { said: { seen: watch.seen } })).toHaveLength(1);
  },
);

test("what is no secret is not found", async () => {
  const said = { output: `p4ss/w0rd ${base64("p4ss/w0rd+with all sorts")}` };
  expect(await leaks([SECRET], { said, database: client, folders: [folder] })).toEqual([]);
  await expect(leaks(["short"], { said })).rejects.toThrow(/5 characters/);
});

test("what is put into a store, and what a provisioner answers, is what is looked for", async () => {
  const kubeconfig = "users: [{user: {token: t0ken-of-admin}}]";
  const sealed = credentials({ kubeconfig, "kubeadmin-password": "aaaaa-bbbbb", user: "kubeadmin" });
  expect(secretsOf(sealed)).toEqual(expect.arrayContaining([kubeconfig, "t0ken-of-admin", "aaaaa-bbbbb"]));
  expect(secretsOf(sealed)).not.toContain("kubeadmin");
  const nothing = async (): Promise<void> => undefined;
  const secrets = new Set<string>();
  const heard: unknown[] = [];
  await remembering({ put: nothing, get: async () => null, remove: nothing }, secrets).put("x", sealed);
  expect(secrets).toContain("aaaaa-bbbbb");
  secrets.clear();
  const none = async (): Promise<never> => {
    throw new Error("none");
  };
  const install = async () => ({ outputs: { note: "aaaaa-bbbbb" }, credentials: sealed });
  const provisioner = { prepare: none, install, verify: none, update: none, destroy: none, observe: none };
  const context = {
    signal: new AbortController().signal,
    workdir: "",
    progress: () => undefined,
    log: () => undefined,
  };
  await overheard(provisioner, heard, secrets).install({} as never, {}, context);
  expect(secrets).toContain("t0ken-of-admin");
  expect(await leaks(secrets, { said: { heard } })).toEqual([expect.stringContaining("plain of aaaa… in heard")]);
});

describe("a world of the promises", () => {
  const life = async (leak: (note: string) => string): Promise<void> => {
    await using w = await world();
    w.interfere.install = async (...call) => {
      const made = await w.real.install(...call);
      // Nothing redacts what a provisioner answers as public.
      return { ...made, outputs: { ...made.outputs, note: leak(made.credentials.reveal("kubeadmin-password")) } };
    };
    await w.turn(lab("one"));
    expect(await w.states()).toEqual({ one: "ready" });
    await w.turn(gone("one"));
  };

  test("fails in its tear-down when a secret got out", async () => {
    await expect(life((password) => `x${password}`)).rejects.toThrow(/secrets are where none may be:\n.* in table /);
    await expect(life((password) => base64(`xy${password}`))).rejects.toThrow(/base64 after 2 of .* in table /);
  });

  test("and does not when none did", async () => {
    await life(() => "nothing");
  });
});
