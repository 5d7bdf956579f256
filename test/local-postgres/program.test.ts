import { readdir, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { localPostgresCommand } from "../../src/local/local-postgres/command.ts";
import { serverProcesses } from "../../src/local/local-postgres/host.ts";
import { findPostmaster } from "../../src/local/postgres/postmaster.ts";
import { connectionOf, lab, runProgram } from "./program.ts";
import { asRoot, NOBODY, query } from "./surroundings.ts";

// Real servers and a process for every verb, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const LABELS = "select name, value from labkeeper.lab_labels order by name";

test("a lab's whole life, observed after each step", async () => {
  const { run, prepare, workdir, sharedDir } = await lab("whole-life");
  const intent = await prepare();
  const verdict = async (): Promise<string> => (await run("observe", { intent })).body.verdict;
  expect(await readdir(workdir)).toEqual([]);
  expect(await verdict()).toBe("absent");

  const installed = await run("install", { intent });
  expect(installed).toMatchObject({ code: 0, body: { outputs: { host: "127.0.0.1", infraId: intent.infraId } } });
  const { outputs, credentials } = installed.body;
  expect(JSON.stringify(outputs) + installed.stderr).not.toContain(credentials.password);
  expect(installed.stderr).toMatch(/^::progress \d+ \S/m);
  expect(await run("verify", { intent, credentials })).toMatchObject({ code: 0, body: {} });
  const wrong = await run("verify", { intent, credentials: { ...credentials, password: "guess" } });
  expect(wrong).toMatchObject({ code: 1, body: { error: { message: expect.stringContaining("password") } } });
  expect(await verdict()).toBe("present");

  const connection = connectionOf(credentials);
  await query(connection, "create table kept as select 42 as answer");
  expect(await query(connection, "show max_parallel_workers")).toEqual([{ max_parallel_workers: "2" }]);
  const spec = { workers: 5, tags: { purpose: "it's a demo" } };
  expect((await run("update", { intent, spec })).body.outputs).toEqual(outputs);
  expect(await query(connection, "show max_parallel_workers")).toEqual([{ max_parallel_workers: "5" }]);
  expect(await query(connection, LABELS)).toContainEqual({ name: "tags.purpose", value: "it's a demo" });
  expect(await query(connection, "select * from kept")).toEqual([{ answer: 42 }]);

  expect(await run("destroy", { intent })).toMatchObject({ code: 0, body: {} });
  expect(await verdict()).toBe("absent");
  expect(await run("destroy", { intent })).toMatchObject({ code: 0, body: {} });
  expect(await verdict()).toBe("absent");
  await expect(query(connection, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(await readdir(dirname(intent.folder))).toEqual(
    dirname(intent.folder) === sharedDir ? expect.not.arrayContaining([intent.infraId]) : [],
  );
});

test.each([
  ["in initdb", /^::progress 10/m],
  ["while the server starts", /^::progress 60/m],
])("an install killed %s and run again ends with one server that answers", async (_, killAt) => {
  const { run, prepare } = await lab("killed-install");
  const intent = await prepare();
  expect((await run("install", { intent, killAt })).code).toBeNull();
  expect(["present", "absent"]).toContain((await run("observe", { intent })).body.verdict);

  const { body } = await run("install", { intent });
  expect(await run("verify", { intent, credentials: body.credentials })).toMatchObject({ code: 0 });
  const again = await run("install", { intent });
  expect(again.body).toEqual(body);
  const postmaster = await findPostmaster(join(intent.folder, "data"));
  expect(await serverProcesses(intent.infraId)).toContain(postmaster?.pid);
  expect((await readdir(intent.folder)).filter((name) => name.includes(".new-"))).toEqual([]);

  expect((await run("destroy", { intent })).code).toBe(0);
  await vi.waitFor(async () => expect(await serverProcesses(intent.infraId)).toEqual([]), 10_000);
});

test("labs are made side by side, each with a password of its own", async () => {
  const one = await lab("side-one");
  const two = await lab("side-two");
  const [a, b] = await Promise.all([one.prepare(), two.prepare()]);
  const [first, second] = await Promise.all([one.run("install", { intent: a }), two.run("install", { intent: b })]);
  expect(first.body.outputs.port).not.toBe(second.body.outputs.port);
  expect(first.body.credentials.password).not.toBe(second.body.credentials.password);
  const crossed = { ...first.body.credentials, port: second.body.credentials.port };
  expect((await one.run("verify", { intent: a, credentials: crossed })).code).toBe(1);
  const mixedUp = await one.run("verify", { intent: a, credentials: second.body.credentials });
  expect(mixedUp.body.error.message).toContain(b.infraId);
  await one.run("destroy", { intent: a });
  expect(await two.run("verify", { intent: b, credentials: second.body.credentials })).toMatchObject({ code: 0 });
});

test("a port that somebody took meanwhile is left to them", async () => {
  const { run, prepare } = await lab("port-taken");
  const intent = await prepare();
  const squatter = createServer().listen(intent.port, "127.0.0.1");
  try {
    const { body } = await run("install", { intent });
    expect(body.outputs.port).not.toBe(intent.port);
    expect(await run("verify", { intent, credentials: body.credentials })).toMatchObject({ code: 0 });
    expect((await run("install", { intent })).body).toEqual(body);
    await run("destroy", { intent });
    // Something answers on the lab's old port, but it is not the lab.
    expect((await run("observe", { intent })).body.verdict).toBe("absent");
  } finally {
    squatter.close();
  }
});

test("a server that was killed is residue until its folder is gone", async () => {
  const { run, prepare } = await lab("killed-server");
  const intent = await prepare();
  await run("install", { intent });
  process.kill((await findPostmaster(join(intent.folder, "data")))!.pid, "SIGKILL");
  await vi.waitFor(async () => expect(await serverProcesses(intent.infraId)).toEqual([]), 10_000);
  expect((await run("observe", { intent })).body.verdict).toBe("present");
  const { body } = await run("install", { intent });
  expect(await run("verify", { intent, credentials: body.credentials })).toMatchObject({ code: 0 });
  expect(await run("destroy", { intent })).toMatchObject({ code: 0 });
  expect((await run("observe", { intent })).body.verdict).toBe("absent");
});

test("a server whose folder was removed under it is still seen, and ended", async () => {
  const { run, prepare } = await lab("no-folder");
  const intent = await prepare();
  await run("install", { intent });
  const aside = `${intent.folder}.aside`;
  await rename(intent.folder, aside);
  expect((await run("observe", { intent })).body.verdict).toBe("present");
  expect(await run("destroy", { intent })).toMatchObject({ code: 0 });
  expect(await serverProcesses(intent.infraId)).toEqual([]);
  expect((await run("observe", { intent })).body.verdict).toBe("absent");
  await rm(aside, { recursive: true });
});

test.runIf(asRoot)("a folder that may not be looked at is unknown, never gone", async ({ skip }) => {
  const { run, prepare, workdir } = await lab("forbidden");
  const intent = await prepare();
  const folder = join(workdir, "inside", intent.infraId);
  const denied = await run("observe", { intent: { ...intent, folder }, account: NOBODY });
  if (/Cannot find module|EACCES.*main/.test(denied.stderr)) skip("the checkout is private to root");
  expect(denied.body).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("EACCES") });
});

test("a breach of the contract is exit code 3, and nothing of stdin is shown", async () => {
  const answer = await runProgram([...localPostgresCommand(), "verify"], '{"credentials":{"password":"hunter2"');
  expect(answer.code).toBe(3);
  expect(answer.stdout + answer.stderr).not.toContain("hunter2");
});
