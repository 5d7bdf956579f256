/** Nothing that a call started is left when the call is over, and nothing else is ever killed. */

import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { bootId, inspectProcess, parseStat } from "../../src/provisioners/process-group.ts";
import { isAlive, loggedPids, stage } from "./exec-program.ts";
import { labOrder } from "./lab-order.ts";

const lab = labOrder();
const intent = { id: "intent-1" };
const read = "cat >/dev/null;";

/** Ignores SIGTERM, and so do its children. */
const deaf = "trap '' TERM;";
const linger = "while :; do sleep 0.2; done";
const tell = 'echo "pid $$" >&2;';
/** A process of its own that says who it is. */
const child = (script: string): string => `sh -c '${script.replaceAll("'", "'\\''")}' &`;

async function expectGone(pids: readonly number[]): Promise<void> {
  expect(pids.length).toBeGreaterThan(0);
  const alive = await Promise.all(pids.map(isAlive));
  expect(pids.filter((_, index) => alive[index])).toEqual([]);
}

describe("a call that is stopped", () => {
  test.each([
    ["a program that obeys", `${read} ${tell} exec sleep 60`, 1],
    ["a program that ignores SIGTERM", `${deaf} ${read} ${tell} ${linger}`, 1],
    ["a program and its child", `${read} ${child(`${tell} ${linger}`)} ${tell} wait`, 2],
    [
      "a child that ignores SIGTERM and outlives its parent",
      `${read} ${child(`${deaf} ${tell} ${linger}`)} ${tell} wait`,
      2,
    ],
    [
      "a grandchild without pipes, whose parents are gone",
      `${read} ${child(child(`${deaf} ${tell} exec >/dev/null 2>&1; ${linger}`))} ${tell} wait; sleep 60`,
      2,
    ],
  ])("by abort ends %s", async (_what, script, count) => {
    await using it = await stage(script);
    const installing = it.provisioner.install(lab, intent, it.context);
    const ended = expect(installing).rejects.toMatchObject({ code: "LK5009", disposition: "retry" });
    const pids = await loggedPids(it.context, count);
    it.abort.abort();
    await ended;
    await expectGone(pids);
  });

  test("by its timeout ends a group that ignores SIGTERM", async () => {
    await using it = await stage(`${deaf} ${read} ${child(`${tell} ${linger}`)} ${tell} ${linger}`, {
      timeoutSeconds: { destroy: 1 },
    });
    const destroying = it.provisioner.destroy(lab, intent, it.context);
    await expect(destroying).rejects.toMatchObject({ code: "LK5004", message: expect.stringContaining("1 s") });
    await expectGone(await loggedPids(it.context, 2));
  });

  test("by the profile's provision timeout, when that is shorter", async () => {
    await using it = await stage(`${read} sleep 60`);
    const order = labOrder({ provisionTimeoutMinutes: 0.005 });
    await expect(it.provisioner.install(order, intent, it.context)).rejects.toMatchObject({ code: "LK5004" });
  });

  test("by abort stays stopped, even when the program answers in its last moment", async () => {
    await using it = await stage(
      `${read} trap 'echo "{\\"outputs\\":{},\\"credentials\\":{}}"; exit 0' TERM; ${tell} ${linger}`,
    );
    const installing = it.provisioner.install(lab, intent, it.context);
    const ended = expect(installing).rejects.toMatchObject({ code: "LK5009" });
    await loggedPids(it.context, 1);
    it.abort.abort();
    await ended;
  });

  test("before it starts never starts", async () => {
    await using it = await stage(`${read} touch started; echo '{"outputs":{},"credentials":{}}'`);
    it.abort.abort();
    await expect(it.provisioner.install(lab, intent, it.context)).rejects.toMatchObject({ code: "LK5009" });
    await expect(readFile(join(it.workdir, "started"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a call that ends by itself", () => {
  test("takes along what is left in its group", async () => {
    await using it = await stage(`${read} ${child(`${deaf} ${tell} ${linger}`)} sleep 0.1; echo '{"outputs":{}}'`);
    expect(await it.provisioner.update(lab, intent, it.context)).toEqual({ outputs: {} });
    await expectGone(await loggedPids(it.context, 1));
    expect(it.context.lines.join("\n")).toContain("outlived the call");
  });

  test("leaves a process with a session of its own, even one that kept the pipes", async () => {
    await using it = await stage(`${read} setsid sh -c '${tell} exec sleep 60' & sleep 0.2; echo '{"outputs":{}}'`);
    const before = performance.now();
    expect(await it.provisioner.update(lab, intent, it.context)).toEqual({ outputs: {} });
    expect(performance.now() - before).toBeLessThan(10_000);
    const [pid = 0] = await loggedPids(it.context, 1);
    expect(await isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});

describe("what a crashed worker left", () => {
  const answer = `echo '{"outputs":{},"credentials":{}}'`;

  test("is stopped before the next call on the same lab starts", async () => {
    await using it = await stage(`${read} ${answer}`);
    await mkdir(it.workdir, { recursive: true });
    const workerPath = fileURLToPath(new URL("exec-crashing-worker.ts", import.meta.url));
    const script = `${deaf} ${read} ${child(`${tell} ${linger}`)} ${tell} ${linger}`;
    const worker = spawn(process.execPath, [workerPath, it.workdir, script], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    worker.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const pids = await vi.waitFor(
      () => {
        const found = [...said.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
        expect(found).toHaveLength(2);
        return found;
      },
      { timeout: 10_000, interval: 20 },
    );
    const crashed = new Promise((resolve) => worker.once("exit", resolve));
    worker.kill("SIGKILL");
    await crashed;
    expect(await Promise.all(pids.map(isAlive))).toEqual([true, true]);

    // Observing beside it stops nothing: it may be a probe while a living worker installs.
    await it.provisioner.observe(lab, intent, it.context);
    expect(await Promise.all(pids.map(isAlive))).toEqual([true, true]);

    await it.provisioner.install(lab, intent, it.context);
    await expectGone(pids);
    expect(it.context.lines.join("\n")).toContain("left by an earlier run of install");
  });

  /** A stranger in a group and session of its own, and the record of a run that would name it. */
  async function stranger(workdir: string, cwd: string, record: (startTime: string, boot: string) => object) {
    await mkdir(workdir, { recursive: true });
    const other = spawn("/bin/sleep", ["60"], { detached: true, stdio: "ignore", cwd });
    const pid = other.pid ?? 0;
    const { startTime = "0" } = (await inspectProcess(pid)) ?? {};
    const known = { pid, startTime, verb: "install", bootId: await bootId() };
    await writeFile(join(workdir, "run.json"), JSON.stringify({ ...known, ...record(startTime, known.bootId ?? "") }));
    return { pid, end: () => process.kill(pid, "SIGKILL") };
  }

  test.each([
    ["another start time", (startTime: string) => ({ startTime: String(BigInt(startTime) - 1n) })],
    ["another boot", () => ({ bootId: "00000000-0000-0000-0000-000000000000" })],
    ["no start time", () => ({ startTime: null })],
    ["a process id below 2", () => ({ pid: -1 })],
  ])("is not a process with the same id but %s", async (_what, record) => {
    await using it = await stage(`${read} ${answer}`);
    const other = await stranger(it.workdir, "/", record);
    await it.provisioner.install(lab, intent, it.context);
    expect(await isAlive(other.pid)).toBe(true);
    other.end();
  });

  test("is found by its children when the program itself is gone, but only inside the lab's folder", async () => {
    await using it = await stage(`${read} ${answer}`);
    await mkdir(it.workdir, { recursive: true });
    const script = "sleep 60 & echo $!; cd /; sleep 60 & echo $!";
    const leader = spawn("/bin/sh", ["-c", script], {
      detached: true,
      cwd: it.workdir,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = new Promise((resolve) => leader.once("exit", resolve));
    // Before anything is awaited: Node throws away what nobody reads by the time a child exits.
    let said = "";
    leader.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const startTime = (await inspectProcess(leader.pid ?? 0))?.startTime ?? "0";
    await exited;
    const [inside = 0, outside = 0] = await vi.waitFor(() => {
      const pids = said.trim().split("\n").map(Number);
      expect(pids).toHaveLength(2);
      return pids;
    });
    const record = { pid: leader.pid, startTime, verb: "install", bootId: await bootId() };
    await writeFile(join(it.workdir, "run.json"), JSON.stringify(record));
    await it.provisioner.install(lab, intent, it.context);
    expect([await isAlive(inside), await isAlive(outside)]).toEqual([false, true]);
    process.kill(outside, "SIGKILL");
  });

  test("does not matter when its record is garbage", async () => {
    await using it = await stage(`${read} ${answer}`);
    await mkdir(it.workdir, { recursive: true });
    await writeFile(join(it.workdir, "run.json"), "{ half a");
    await expect(it.provisioner.install(lab, intent, it.context)).resolves.toMatchObject({ outputs: {} });
  });
});

test("a process is read right whatever its name is", () => {
  const tail = `${Array.from({ length: 15 }, () => "0").join(" ")} 987654 0 0`;
  expect(parseStat(42, `42 (evil) S 1 (name) R 7 40 41 ${tail}`)).toEqual({
    pid: 42,
    state: "R",
    group: 40,
    session: 41,
    startTime: "987654",
  });
});
