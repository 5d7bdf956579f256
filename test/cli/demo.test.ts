import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { labkeeper, start } from "./run-labkeeper.ts";

/** Real servers on a machine that may be busy with other tests. */
const PATIENCE = 120_000;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper demos "));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

/** The demo must not care how its surroundings are configured. */
const environment = () => ({
  TMPDIR: folder,
  HOME: folder,
  LABKEEPER_DATABASE_URL: "postgres://nobody@127.0.0.1:1/never",
  LABKEEPER_STATE_DIR: "/nonexistent",
});

describe("the demo", () => {
  it("tells the whole story with real servers, and leaves nothing behind", { timeout: PATIENCE }, async () => {
    const ended = await labkeeper(["demo"], environment());
    expect(ended).toMatchObject({ code: 0 });
    const { stdout, stderr } = ended;
    expect(stderr.match(/✔ ready/g)).toHaveLength(3);
    expect(stdout).toContain("3 lab files, no problems");
    expect(stdout).toContain("Plan: 3 to create");
    expect(stdout).toMatch(/"current_user":"lab_admin","postgres":"\d+/);
    expect(stdout).toMatch(/spec\.ttlHours: \d+ → 12/);
    expect(stdout).toMatch(/labs\/\S+:\d+:\d+ {2}LK2004 unknown field "profle"/);
    expect(stdout).toContain('{"answer":"still here"}');
    expect(stdout).toMatch(/RECEIPT\n {2}\S+ {2}absent\n(.*\n)+ {2}\S+ {2}absent\n/);
    expect(stdout).toMatch(/lab\.created(.*\n)+.*destroy\.completed/);
    expect(stderr.match(/✔ destroyed/g)).toHaveLength(3);
    expect(await readdir(folder)).toEqual([]);
    const ports = [...stdout.matchAll(/^port +(\d+)$/gm)].map(([, port]) => Number(port));
    expect(ports.length).toBeGreaterThan(0);
    expect(await Promise.all(ports.map(answers))).not.toContain(true);
    // What it shows is not what it hides (promise P9).
    expect(`${stdout}${stderr}`).not.toMatch(/postgresql:\/\/[^ ]*:[^ ]*@/);
  });

  it("cleans up when it is interrupted", { timeout: PATIENCE }, async () => {
    const demo = start(["demo"], environment());
    await vi.waitFor(() => expect(demo.stderr()).toContain("install, starting the server"), {
      timeout: 60_000,
      interval: 50,
    });
    demo.child.kill("SIGINT");
    const ended = await demo.ended;
    expect(ended).toMatchObject({ code: 130 });
    expect(ended.stderr.match(/✔ destroyed/g)).toHaveLength(3);
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes only what it made", async () => {
    expect(await labkeeper(["demo", "--clean", folder], environment())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("was not made by the demo"),
    });
    expect(await readdir(tmpdir())).toContain(folder.split("/").at(-1));
  });
});
