/** Postgres runs as another user when labkeeper is root: what that user cannot reach has to be brought to it. */

import { chmod, chown, cp, lstat, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { canEnter } from "../../src/local/postgres/account.ts";
import { findPostgresBinaries } from "../../src/local/postgres/binaries.ts";
import { ensurePostgres } from "../../src/local/postgres/ensure.ts";
import { nativeFolder } from "../../src/local/postgres/native.ts";
import { asRoot, folders, holder, NOBODY, query, serverPid } from "./surroundings.ts";

vi.setConfig({ testTimeout: 60_000 });

/** A copy of the package as npm leaves it without install scripts: no links between libraries. */
async function packageWithoutLinks(top: string): Promise<string> {
  const native = nativeFolder()!;
  const copy = join(top, "checkout", "package", "native");
  await cp(native, copy, { recursive: true, filter: async (path) => !(await lstat(path)).isSymbolicLink() });
  await cp(join(native, "..", "package.json"), join(top, "checkout", "package", "package.json"));
  await chmod(join(top, "checkout"), 0o700);
  return copy;
}

test("links that an install without scripts left out are made, by several at once", async () => {
  const { top, sharedDir } = await folders();
  const native = await packageWithoutLinks(top);
  const options = { sharedDir, places: { native, system: "/nowhere" } };
  const found = await Promise.all([findPostgresBinaries(options), findPostgresBinaries(options)]);
  expect(found.map(({ major }) => major)).toEqual([18, 18]);
  expect((await lstat(join(native, "lib", "libpq.so.5"))).isSymbolicLink()).toBe(true);
  expect((await readdir(join(native, "lib"))).filter((name) => /\.so.*\.[0-9a-f]{12}$/.test(name))).toEqual([]);
});

test("an installation that cannot be reached or written is copied, once", async () => {
  const { top, sharedDir } = await folders();
  const native = await packageWithoutLinks(top);
  // Root reaches everything, so for root the folder above is closed to Postgres' user; for others this one is not writable.
  await chmod(join(native, "lib"), 0o555);
  const options = { sharedDir, places: { native, system: "/nowhere" } };
  const found = await Promise.all([findPostgresBinaries(options), findPostgresBinaries(options)]);
  expect(new Set(found.map(({ postgres }) => postgres)).size).toBe(1);
  expect(found[0]!.postgres.startsWith(sharedDir)).toBe(true);
  expect(await readdir(sharedDir)).toHaveLength(1);
  await chmod(join(native, "lib"), 0o755);
});

test("without any Postgres, every place that was tried is named", async () => {
  const places = { native: "/nowhere/native", system: "/nowhere/system" };
  const { sharedDir } = await folders();
  await expect(findPostgresBinaries({ sharedDir, places })).rejects.toMatchObject({
    code: "LK7002",
    message: expect.stringContaining("/nowhere/native"),
    remedy: expect.stringContaining("LABKEEPER_DATABASE_URL"),
  });
});

describe.runIf(asRoot)("as root", () => {
  test("below a private folder, the data go to the shared folder and are found there again", async () => {
    const where = await folders("private/state");
    await chmod(join(where.top, "private"), 0o700);
    const first = await ensurePostgres({ ...where, durable: false });
    await query(first.connection, "create table kept as select 42 as answer");
    expect(first.connection.host.startsWith(where.sharedDir)).toBe(true);
    const note = await readFile(join(where.stateDir, "postgres", "location"), "utf8");
    expect(first.connection.host.startsWith(note.trim())).toBe(true);
    await first.stop();

    const second = await holder(where);
    expect(await query(second.connection, "select * from kept")).toEqual([{ answer: 42 }]);
    await second.leave();

    await rm(note.trim(), { recursive: true });
    await expect(ensurePostgres(where)).rejects.toMatchObject({ code: "LK7002" });
    await rm(join(where.stateDir, "postgres", "location"));
  });

  test("the server runs as nobody, and other users are kept out of its folders", async () => {
    const where = await folders();
    const { connection, stop } = await ensurePostgres({ ...where, durable: false });
    const status = await readFile(`/proc/${await serverPid(connection)}/status`, "utf8");
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe("65534");
    const stranger = { uid: 65533, gid: 65533 };
    expect(await canEnter(stranger, connection.host)).toBe(false);
    expect(await canEnter(stranger, join(where.stateDir, "postgres", "data"))).toBe(false);
    await stop();
  });

  test("the same program works for a user who is not root", async ({ skip }) => {
    if (!(await canEnter(NOBODY, import.meta.dirname))) skip("the checkout is private to root");
    const where = await folders("own");
    const own = { ...where, stateDir: join(where.stateDir, "state") };
    await mkdir(own.stateDir, { mode: 0o700 });
    await chown(own.stateDir, NOBODY.uid, NOBODY.gid);
    const [one, two] = await Promise.all([holder(own, { account: NOBODY }), holder(own, { account: NOBODY })]);
    expect(one.connection.host).toBe(join(own.stateDir, "postgres", "run"));
    expect(await serverPid(one.connection)).toBe(await serverPid(two.connection));
    await one.leave();
    expect(await query(two.connection, "select 1 as one")).toEqual([{ one: 1 }]);
    await two.leave();
  });
});
