/** The search for leaked secrets finds what it is there to find, wherever and however it shows. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { expectNoLeak, formsOf, leaks, overheard, remembering, secretsOf, watchedProcesses } from "../canary.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { edgeWorld } from "../github/edge-world.ts";
import { gone, lab } from "../promises/files.ts";
import { world } from "../promises/world.ts";
import { watchedSecrets } from "../watched-secrets.ts";

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

  test("in base64 of any text that holds it", () => {
    const forms = [...formsOf(SECRET).keys()];
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.constantFrom<"base64" | "base64url">("base64", "base64url"),
        (before, after, how) => {
          const text = base64(`${before}${SECRET}${after}`, how);
          expect(forms.some((form) => text.includes(form))).toBe(true);
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

  test("in a comment, a check or anything else that was sent to GitHub", async () => {
    await using github = await edgeWorld();
    github.github.openPullRequest({ changes: { "labs/team-a/one.yaml": "a: 1\n" } });
    const secret = (name: string): string => `sent-${name}-${process.pid}-${Date.now()}`;
    const [comment, status, file, asked] = [secret("comment"), secret("status"), secret("file"), secret("login")];
    const all = [comment, status, file, asked];
    expect(await leaks(all, {})).toEqual([]);
    await github.host.createComment(1, `ready: ${comment}`);
    const { sha: commit } = github.github.pullRequest(1).head;
    await github.host.putStatus({ commit, context: "x", state: "success", description: status, url: null });
    await github.host.permission(asked).catch(() => undefined);
    await fetch(`${github.github.url}/x`, { method: "PUT", body: JSON.stringify({ content: base64(`: ${file}`) }) });
    const places = (await leaks(all, {})).map((found) => found.split(" in ").at(-1));
    expect(places).toEqual(all.map(() => "requests that were sent"));
  });

  test("in what the web server answers", async () => {
    const secret = `answered-${process.pid}-${Date.now()}`;
    const server = createServer((_, response) => response.end(`webhookSecret is ${secret}`));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await leaks([secret], {})).toEqual([]);
    await (await fetch(`http://127.0.0.1:${port}/webhooks/github`, { method: "POST", body: "{}" })).text();
    expect(await leaks([secret], {})).toEqual([expect.stringContaining("answers of the web server")]);
    server.close();
  });

  test("in the store of a labkeeper that runs elsewhere, to be looked for in what that says", async () => {
    const state = join(folder, "state");
    await mkdir(state, { mode: 0o700 });
    const watch = watchedSecrets(folder);
    const store = folderSecrets({ root: join(state, "secrets"), keyFile: join(state, "secrets.key") });
    await store.put("labs/one", credentials({ password: SECRET }));
    await mkdir(join(state, "artifacts"));
    await writeFile(join(state, "artifacts", "log"), SECRET);
    const { secrets, artifacts } = await watch.stop();
    expect(await leaks(secrets, { said: { artifacts } })).toHaveLength(1);
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

test("a secret that is in another one stands for both", async () => {
  const kubeconfig = `users: [{user: {token: ${SECRET}}}]`;
  for (const text of [kubeconfig, base64(`x${kubeconfig}`), encodeURIComponent(kubeconfig), JSON.stringify(kubeconfig)])
    expect(await leaks([kubeconfig, SECRET], { said: { text } })).toEqual([expect.stringMatching(/p4ss… in text$/)]);
});

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
