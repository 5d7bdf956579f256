import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { ensurePostgres } from "../../src/local/postgres/ensure.ts";
import { findPostmaster } from "../../src/local/postgres/postmaster.ts";
import { type Folders, folders, holder, query, serverPid } from "./surroundings.ts";

// Real servers, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const kill9 = (pid: number): boolean => process.kill(pid, "SIGKILL");

test("data outlives the server, which ends with its only user", async () => {
  const where = await folders("state with spaces, and a comma");
  const first = await ensurePostgres(where);
  await query(first.connection, "create table kept as select 42 as answer");
  const { host } = first.connection;
  const pid = await serverPid(first.connection);
  await first.stop();
  await first.stop();
  expect(await findPostmaster(join(dirname(host), "data"))).toBeNull();

  const second = await ensurePostgres(where);
  expect(await serverPid(second.connection)).not.toBe(pid);
  expect(await query(second.connection, "select * from kept")).toEqual([{ answer: 42 }]);
  expect(await query(second.connection, "show fsync")).toEqual([{ fsync: "on" }]);
  await second.stop();
});

test("nobody gets in without the password, and not at all over the network", async () => {
  const where = await folders();
  const { connection, url, stop } = await ensurePostgres({ ...where, durable: false });
  await expect(query({ ...connection, password: "guess" }, "select 1")).rejects.toMatchObject({ code: "28P01" });
  expect(await query(connection, "show listen_addresses")).toEqual([{ listen_addresses: "" }]);
  expect((await lstat(connection.host)).mode & 0o777).toBe(0o700);
  expect((await lstat(join(where.stateDir, "postgres", "password"))).mode & 0o777).toBe(0o600);
  const commandLine = await readFile(`/proc/${await serverPid(connection)}/cmdline`, "utf8");
  expect(commandLine).not.toContain(connection.password);
  expect(new URL(url).password).toBe(connection.password);
  await stop();
});

test("three processes that start at once share one server, and the last to leave stops it", async () => {
  const where = await folders();
  const all = await Promise.all([holder(where), holder(where), holder(where)]);
  const ids = await Promise.all(
    all.map(async ({ connection }) => [
      await serverPid(connection),
      (await query(connection, "select system_identifier from pg_control_system()"))[0]!["system_identifier"],
    ]),
  );
  expect(new Set(ids.map(String)).size).toBe(1);
  const [one, two, three] = all;
  const dataDir = join(dirname(one!.connection.host), "data");
  await one!.leave();
  await two!.leave();
  expect(await query(three!.connection, "select 1 as one")).toEqual([{ one: 1 }]);
  await three!.leave();
  expect(await findPostmaster(dataDir)).toBeNull();
});

test("the server of a killed labkeeper is found and used", async () => {
  const where = await folders();
  const crashing = await holder(where);
  const pid = await serverPid(crashing.connection);
  await crashing.kill();
  const next = await holder(where);
  expect(await serverPid(next.connection)).toBe(pid);
  await next.leave();
  expect(await findPostmaster(join(dirname(next.connection.host), "data"))).toBeNull();
});

test("a killed server is started again under those who use it, with all it had acknowledged", async () => {
  const where = await folders();
  const { connection, stop } = await ensurePostgres(where);
  const other = await holder(where);
  await query(connection, "create table kept as select 42 as answer");
  kill9(await serverPid(connection));
  await vi.waitFor(
    async () => {
      expect(await query(connection, "select * from kept")).toEqual([{ answer: 42 }]);
      const present = "select count(*)::int from pg_stat_activity where application_name = 'labkeeper presence'";
      expect(await query(connection, present)).toEqual([{ count: 2 }]);
    },
    { timeout: 15_000, interval: 20 },
  );
  await stop();
  expect(await query(other.connection, "select * from kept")).toEqual([{ answer: 42 }]);
  await other.leave();
  expect(await findPostmaster(join(dirname(connection.host), "data"))).toBeNull();
});

test("labkeeper and server killed together: the next start recovers", async () => {
  const where = await folders();
  const crashing = await holder(where, { durable: true });
  await query(crashing.connection, "create table kept as select 42 as answer");
  const pid = await serverPid(crashing.connection);
  crashing.process.kill("SIGKILL");
  kill9(pid);
  await crashing.kill();
  const next = await holder(where);
  expect(await query(next.connection, "select * from kept")).toEqual([{ answer: 42 }]);
  await next.leave();
});

test("a pid file that names another program does not keep the server from starting", async () => {
  const where = await folders();
  const first = await ensurePostgres(where);
  const pidFile = join(dirname(first.connection.host), "data", "postmaster.pid");
  const text = await readFile(pidFile, "utf8");
  await first.stop();
  await writeFile(pidFile, text.replace(/^\d+/, String(process.pid)));
  const second = await ensurePostgres(where);
  expect(await query(second.connection, "select 1 as one")).toEqual([{ one: 1 }]);
  await second.stop();
});

test("what a killed initdb left behind is cleared away", async () => {
  const where = await folders();
  const home = join(where.stateDir, "postgres");
  await mkdir(join(home, "data.new-0123456789ab"), { recursive: true });
  await chmod(home, 0o711);
  await writeFile(join(home, "data.new-0123456789ab", "PG_VERSION"), "18\n");
  const { connection, stop } = await ensurePostgres({ ...where, durable: false });
  expect(await query(connection, "select 1 as one")).toEqual([{ one: 1 }]);
  await stop();
  expect((await readdir(home)).filter((name) => name.startsWith("data."))).toEqual([]);
});

test("a state folder too deep for a socket gets a short one", async () => {
  const where = await folders(join("x".repeat(100), "y".repeat(100)));
  const first = await ensurePostgres({ ...where, durable: false });
  expect(Buffer.byteLength(first.connection.host)).toBeLessThan(90);
  expect((await lstat(first.connection.host)).mode & 0o777).toBe(0o700);
  const second = await holder(where);
  expect(second.connection.host).toBe(first.connection.host);
  await second.leave();
  await first.stop();
});

test("data of another major version is refused clearly", async () => {
  const where = await folders();
  const first = await ensurePostgres({ ...where, durable: false });
  const dataDir = join(dirname(first.connection.host), "data");
  await first.stop();
  await writeFile(join(dataDir, "PG_VERSION"), "14\n");
  await expect(ensurePostgres(where)).rejects.toMatchObject({
    code: "LK7002",
    message: expect.stringMatching(/no Postgres 14 .*version \d+\.\d+/),
  });
});

test("a lost password is said, not worked around", async () => {
  const where = await folders();
  const first = await ensurePostgres({ ...where, durable: false });
  await first.stop();
  const password = join(where.stateDir, "postgres", "password");
  await writeFile(password, "");
  await expect(ensurePostgres(where)).rejects.toMatchObject({
    code: "LK7002",
    message: expect.stringContaining(password),
  });
});

/** A state folder whose server was started once and stopped: its part for Postgres, and where its data is. */
async function usedOnce(): Promise<{ where: Folders; home: string; dataDir: string }> {
  const where = await folders();
  const { connection, stop } = await ensurePostgres({ ...where, durable: false });
  await stop();
  return { where, home: join(where.stateDir, "postgres"), dataDir: join(dirname(connection.host), "data") };
}

test.each([
  ["data that is gone", ""],
  ["data that lost its version file", "PG_VERSION"],
])("%s is said, never replaced by an empty database", async (_, lost) => {
  const { where, home, dataDir } = await usedOnce();
  await rm(join(dataDir, lost), { recursive: true });
  const refused = {
    code: "LK7002",
    message: expect.stringContaining(dataDir),
    remedy: expect.stringContaining(join(home, "initialized")),
  };
  await expect(ensurePostgres(where)).rejects.toMatchObject(refused);
  await expect(ensurePostgres(where)).rejects.toMatchObject(refused);

  // What the remedy says for those who want to begin anew.
  await rm(join(home, "initialized"));
  await rm(dataDir, { recursive: true, force: true });
  await (await ensurePostgres({ ...where, durable: false })).stop();
});

test("a state folder from before the marker gets it at the next start", async () => {
  const { where, home, dataDir } = await usedOnce();
  await rm(join(home, "initialized"));
  await (await ensurePostgres({ ...where, durable: false })).stop();
  await rm(dataDir, { recursive: true });
  await expect(ensurePostgres(where)).rejects.toMatchObject({ code: "LK7002" });
});

test("a data folder with something else in it is left alone", async () => {
  const { where, home, dataDir } = await usedOnce();
  await rm(join(home, "initialized"));
  await rm(join(dataDir, "PG_VERSION"));
  await expect(ensurePostgres(where)).rejects.toMatchObject({
    code: "LK7002",
    message: expect.stringContaining(dataDir),
  });
});

test("a start that died between password and initdb is made up for", async () => {
  const where = await folders();
  const home = join(where.stateDir, "postgres");
  await mkdir(home);
  await chmod(home, 0o711);
  await writeFile(join(home, "password"), "made-before-initdb\n", { mode: 0o600 });
  const { connection, stop } = await ensurePostgres({ ...where, durable: false });
  expect(connection.password).toBe("made-before-initdb");
  await stop();
});
