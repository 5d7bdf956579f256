import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type HistoryWriter, startRepository } from "../../src/git/history-writer.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { packageFile } from "../../src/package-root.ts";
import { expectNoLeak, remembering } from "../canary.ts";
import { createEmptyDatabase, type TestDatabase } from "../database.ts";
import { inProcess } from "./run-in-process.ts";
import { type Ended, labkeeper, start } from "./run-labkeeper.ts";

let root = "";
let database: TestDatabase;
let history: HistoryWriter;
const catalog = () => join(root, "catalog");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "labkeeper life-"));
  database = await createEmptyDatabase();
  await put("catalog.yaml", "apiVersion: labkeeper.dev/v1\nkind: Catalog\nspec:\n  teams: [{name: team-a}]\n");
  await mkdir(join(root, "state"), { mode: 0o700 });
  await writeFile(join(root, "state", "config.yaml"), "worker: {observationGapSeconds: 0, pollSeconds: 1}\n");
  history = await startRepository(catalog(), { name: "Test", email: "test@labkeeper.invalid" });
});
afterAll(async () => {
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    expect(canaries.size).toBeGreaterThan(0);
    await expectNoLeak(canaries, {
      database: client,
      folders: ["state/artifacts", "state/secrets", "catalog"].map((name) => join(root, name)),
      said: { said },
    });
  } finally {
    await client.end();
    await database.drop();
    await rm(root, { recursive: true, force: true });
  }
});

/** Credentials of every lab that ever was ready, and all that commands said but those that were asked for a value. */
const canaries = new Set<string>();
const said: string[] = [];

const listened = async (args: readonly string[], ended: Promise<Ended>): Promise<Ended> => {
  const { stdout, stderr } = await ended;
  said.push(stderr, ...(args.some((arg) => arg === "--show" || arg === "--name") ? [] : [stdout]));
  await remember();
  return await ended;
};
const remember = async (): Promise<void> => {
  const state = join(root, "state");
  const secrets = remembering(
    folderSecrets({ root: join(state, "secrets"), keyFile: join(state, "secrets.key") }),
    canaries,
  );
  const labs = await readdir(join(state, "secrets", "labs")).catch(() => []);
  for (const file of labs) await secrets.get(`labs/${file.replace(/\.[a-z]+$/, "")}`);
};

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(catalog(), path)), { recursive: true });
  await writeFile(join(catalog(), path), text);
};

const labFile = (name: string, spec = ""): string =>
  `apiVersion: labkeeper.dev/v1\nkind: Lab\nmetadata: {name: ${name}, team: team-a, owner: octocat, costCenter: sandbox}\nspec:\n  profile: simulated\n${spec}`;

const run = (...args: string[]) => listened(args, inProcess(args, environment()));
/** The same as a process of its own. */
const spawned = (...args: string[]) => listened(args, labkeeper(args, environment()));
const environment = (): Record<string, string> => ({
  LABKEEPER_STATE_DIR: join(root, "state"),
  LABKEEPER_CATALOG: catalog(),
  LABKEEPER_DATABASE_URL: database.url,
});

const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { stdout, stderr, code } = await run(...args, "-o", "json");
  if (stdout === "") throw new Error(`exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
};

/** The simulated profile under another name and with other manners. */
const profile = async (name: string, manners: string): Promise<string> =>
  (await readFile(packageFile("profiles/simulated.yaml"), "utf8"))
    .replace("name: simulated", `name: ${name}`)
    .concat(`  platformConfig: {simulated: ${manners}}\n`);

describe("a lab's life from the command line", () => {
  it("needs its schema, and says how to get it", async () => {
    expect(await run("status")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^LK4007: .*\n→ Run `labkeeper migrate`/),
    });
    expect(await run("migrate")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("applied 0001_initial.sql"),
    });
    expect(await run("migrate")).toMatchObject({ code: 0, stdout: "The schema is up to date.\n" });
  });

  it("has nothing to do for an empty catalog", async () => {
    await history.commitAll("Begin");
    expect(await run("reconcile", "--dry-run", "--detailed-exitcode")).toMatchObject({ code: 0, stderr: "" });
    expect(await spawned("status")).toMatchObject({ code: 0, stdout: expect.stringContaining("No labs.") });
  });

  it("plans without changing anything, then carries out exactly that plan (promise P7)", async () => {
    await put("labs/team-a/one.yaml", labFile("one"));
    await put("labs/team-a/two.yaml", labFile("two"));
    await history.commitAll("Add two labs");
    const dry = await spawned("reconcile", "--dry-run", "--detailed-exitcode", "-o", "json");
    expect(dry.code).toBe(2);
    const before = await json("status");
    expect(before["labs"]).toEqual([]);

    const real = await spawned("reconcile", "--wait", "-o", "json");
    expect(real.code).toBe(0);
    const [planned, done] = [JSON.parse(dry.stdout), JSON.parse(real.stdout)];
    expect(planned).toMatchObject({ kind: "Plan", summary: { create: 2 }, changes: [{ lab: "one" }, { lab: "two" }] });
    expect(done).toMatchObject({
      hash: planned.hash,
      changes: planned.changes,
      applied: { enqueued: 2, skipped: [] },
      failed: [],
    });
    expect(real.stderr).toContain("one: ✔ ready");
  });

  it("shows what is there", async () => {
    const status = await json("status");
    expect(status).toMatchObject({
      kind: "Status",
      labs: [
        { name: "one", state: "ready", job: null, failure: null },
        { name: "two", state: "ready" },
      ],
      queue: { queued: 0, running: 0, dead: 0 },
    });
    const [text, markdown, detail] = await Promise.all([
      run("status"),
      run("status", "-o", "markdown"),
      run("status", "one"),
    ]);
    expect(text.stdout).toMatch(/^LAB +TEAM +STATE +AGE +EXPIRES +WORK\none +team-a +ready /);
    expect(markdown.stdout).toMatch(/^\| lab \| team \|/);
    expect(detail.stdout).toMatch(/provision +install /);
    expect(await run("status", "none")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^LK3001: /),
    });
  });

  it("tells its story, its log and its credentials", async () => {
    const [story, log, followed] = await Promise.all([
      run("explain", "one"),
      run("logs", "one"),
      run("logs", "one", "--follow"),
    ]);
    expect(story.stdout).toMatch(/lab\.created .*because of commit .*\n(.*\n)*.*ready/);
    expect(log.stdout).toContain("Waiting up to");
    expect(followed).toMatchObject({ code: 0, stdout: log.stdout });
  });

  it("hides credentials until they are asked for, and records who asked (promise P11)", async () => {
    const hidden = await run("credentials", "one");
    expect(hidden.stdout).toContain("(hidden)");
    const { names } = await json("credentials", "one");
    const [name = ""] = names as string[];
    const { stdout: value } = await run("credentials", "one", "--name", name);
    expect(value.trim()).not.toBe("");
    expect(hidden.stdout).not.toContain(value.trim());
    expect((await json("credentials", "one", "--show"))["values"]).toMatchObject({ [name]: value.trimEnd() });
    expect((await run("explain", "one")).stdout).toMatch(/credentials\.read .*by cli:/);
    expect(await run("credentials", "one", "--name", "nonsense")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Choose one of"),
    });
  });

  it("exits 1 for a broken file, and keeps its lab (promise P8)", async () => {
    await put("labs/team-a/one.yaml", "apiVersion: [");
    await history.commitAll("Break one");
    expect(await run("reconcile", "--dry-run", "--detailed-exitcode")).toMatchObject({ code: 1 });
    const real = await run("reconcile", "--wait");
    expect(real.code).toBe(1);
    expect(real.stdout).toContain("labs/team-a/one.yaml:1:");
    const status = await json("status");
    expect(status).toMatchObject({
      labs: [{ name: "one", state: "ready" }, { name: "two" }],
      problems: [{ path: "labs/team-a/one.yaml" }],
    });
    await put("labs/team-a/one.yaml", labFile("one"));
    await history.commitAll("Mend one");
  });

  it("holds a replacement until it is approved", async () => {
    await put("labs/team-a/two.yaml", labFile("two", '  version: "4.20.2"\n'));
    await history.commitAll("Another version");
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
    const { holds } = (await json("status")) as { holds: { id: string; lab: string; guard: string }[] };
    expect(holds).toMatchObject([{ lab: "two", guard: "immutable-change" }]);
    const id = holds[0]?.id ?? "";
    expect(await run("approve", "hold-0000000000")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^LK3002/),
    });
    expect(await run("approve", id)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is approved`) });
    // Destroyed and made anew by one command.
    expect(await json("reconcile", "--wait")).toMatchObject({
      changes: [{ lab: "two", replace: true }],
      failed: [],
      further: [{ changes: [{ lab: "two", action: "create" }] }],
    });
    expect(await json("status", "two")).toMatchObject({ state: "ready", version: "4.20.2" });
  });

  it("refuses commands that do not fit, and cancels a lab that stays cancelled", async () => {
    expect(await run("retry", "one")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^LK3004.*\n→ See `labkeeper status one`/),
    });
    expect(await run("cancel", "one", "-o", "json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"lab":"one"'),
    });
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
    expect(await json("status", "one")).toMatchObject({
      state: "destroyed",
      destroyCause: { kind: "command" },
      receipt: { provisioner: "simulated" },
    });
  });
});

describe("a lab that fails for good", () => {
  it("makes reconcile --wait exit 1, with the reason and what to do, and can be tried again", async () => {
    await put("profiles/broken.yaml", await profile("broken", "{permanentFailureRate: {install: 1}}"));
    await put("labs/team-a/doomed.yaml", labFile("doomed").replace("profile: simulated", "profile: broken"));
    await history.commitAll("Add a lab that cannot be");
    const ended = await run("reconcile", "--wait", "-o", "json");
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      failed: [{ lab: "doomed", code: "LK5003", remedy: expect.stringContaining("labkeeper") }],
    });
    expect(ended.stderr).toMatch(/LK5003 doomed: .*\n→ /);
    expect(await json("status", "doomed")).toMatchObject({
      state: "failed_permanent",
      failure: { code: "LK5003", step: "install" },
    });
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
    expect(await run("retry", "doomed")).toMatchObject({ code: 0, stdout: "provision of doomed is queued again.\n" });
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 1 });
    expect(await run("cancel", "doomed")).toMatchObject({ code: 0 });
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
  });
});

describe("several at once", () => {
  it("give way to each other", async () => {
    for (const round of [1, 2, 3]) {
      await put(`labs/team-a/shared-${round}.yaml`, labFile(`shared-${round}`));
      await history.commitAll(`Add shared-${round}`);
      const ended = await Promise.all(Array.from({ length: 4 }, () => run("reconcile")));
      expect(ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0]);
    }
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
  });
});

describe("an interrupted run", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends in order on %s, and the next one goes on", async (signal, code) => {
    const name = `slow-${code}`;
    await put("profiles/slow.yaml", await profile("slow", "{latencySeconds: {install: 3}}"));
    await put(`labs/team-a/${name}.yaml`, labFile(name).replace("profile: simulated", "profile: slow"));
    await history.commitAll(`Add ${name}`);
    const waiting = start(["reconcile", "--wait"], environment());
    await vi.waitFor(() => expect(waiting.stderr()).toContain(`${name}: install`), { timeout: 15_000, interval: 50 });
    waiting.child.kill(signal);
    expect(await listened([], waiting.ended)).toMatchObject({ code });
    expect(await json("status", name)).toMatchObject({ state: "provisioning", job: { state: "queued" } });
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 0 });
    expect(await json("status", name)).toMatchObject({ state: "ready" });
  });
});

describe("serve", () => {
  it("follows the catalog until it is told to stop, and ends in order", async () => {
    await put("labs/team-a/three.yaml", labFile("three"));
    await history.commitAll("Add three");
    const server = start(["serve"], { ...environment(), LABKEEPER_POLL_SECONDS: "1" });
    try {
      await vi.waitFor(async () => expect(server.stderr()).toMatch(/"lab":"three".*"outcome":"provisioned"/), {
        timeout: 15_000,
        interval: 100,
      });
    } finally {
      server.child.kill("SIGTERM");
    }
    const ended = await listened([], server.ended);
    expect(ended).toMatchObject({ code: 0, signal: null, stdout: "" });
    const lines = ended.stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.at(-1)?.msg).toBe("stopped");
    expect(await json("status", "three")).toMatchObject({ state: "ready" });
  });

  it("outlives a catalog that cannot be read", async () => {
    const server = start(["serve"], {
      ...environment(),
      LABKEEPER_POLL_SECONDS: "1",
      LABKEEPER_CATALOG: "http://127.0.0.1:1/catalog.git",
    });
    try {
      await vi.waitFor(async () => expect(server.stderr().match(/cycle failed/g)?.length).toBeGreaterThanOrEqual(2), {
        timeout: 15_000,
        interval: 100,
      });
    } finally {
      server.child.kill("SIGINT");
    }
    expect(await listened([], server.ended)).toMatchObject({ code: 130 });
    expect(await json("status", "three")).toMatchObject({ state: "ready" });
  });
});
