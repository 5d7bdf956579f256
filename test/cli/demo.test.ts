import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { expectNoLeak } from "../canary.ts";
import { blocks, page } from "../docs/pages.ts";
import { missing } from "../docs/transcript.ts";
import { watchedSecrets } from "../watched-secrets.ts";
import { type Ended, labkeeper, start } from "./run-labkeeper.ts";

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

/** Whatever the story, these servers are real and gone at its end, and what is shown is not what is hidden (promise P9). */
const expectNothingLeft = async ({ stdout, stderr }: Ended): Promise<void> => {
  expect(stderr.match(/✔ ready/g)).toHaveLength(3);
  expect(stderr.match(/✔ destroyed/g)).toHaveLength(3);
  expect(await readdir(folder)).toEqual([]);
  const ports = [...stdout.matchAll(/^port +(\d+)$/gm)].map(([, port]) => Number(port));
  expect(ports.length).toBeGreaterThan(0);
  expect(await Promise.all(ports.map(answers))).not.toContain(true);
  expect(`${stdout}${stderr}`).not.toMatch(/postgresql:\/\/[^ ]*:[^ ]*@|PRIVATE KEY/);
};

/** What labkeeper's comments on a pull request said, one after the other, without their frames. */
const commentsOn = (stdout: string, number: number): readonly string[] =>
  [...stdout.matchAll(/^╭─ labkeeper\[bot\] (commented|edited its comment) on pull request (\d+)\n((?:│.*\n)+)╰─$/gm)]
    .filter(([, , on]) => Number(on) === number)
    .map(([, , , text = ""]) => text.replaceAll(/^│ ?/gm, ""));

describe("the demo", () => {
  it("tells the whole story on pull requests with real servers, and leaves nothing behind", {
    timeout: PATIENCE,
  }, async () => {
    const watch = watchedSecrets(folder);
    const ended = await labkeeper(["demo"], environment());
    const { secrets, artifacts } = await watch.stop();
    expect(ended).toMatchObject({ code: 0 });
    const { stdout, stderr } = ended;
    // Comments are among what is shown.
    expect(secrets.size).toBeGreaterThanOrEqual(3);
    expect([...artifacts.values()].join("")).toContain("starting the server");
    await expectNoLeak(secrets, { said: { stdout, stderr, artifacts } });
    const [planned = "", ready = "", asked = ""] = commentsOn(stdout, 1);
    expect(planned).toContain("3 to create");
    expect(stdout).toContain("✔ labkeeper/plan: 3 to create");
    expect(ready).toContain("✅ 3 ready");
    expect(ready).toContain("Credentials: labkeeper credentials team-a-orders");
    expect(ready).toContain("▸ The plan: 3 to create");
    expect(stdout).toMatch(/"current_user":"lab_admin","postgres":"\d+/);
    expect(commentsOn(stdout, 2).join()).toMatch(/spec\.ttlHours: \d+ → 12/);
    expect(commentsOn(stdout, 3).join()).toMatch(/labs\/\S+:\d+:\d+ LK2004 unknown field "profle"/);
    expect(stdout).toContain("✗ labkeeper/plan");
    expect(stdout).toContain('{"answer":"still here"}');
    const [warned = "", receipt = ""] = commentsOn(stdout, 4);
    expect(warned).toMatch(/CAUTION\n▌ Merging this ends 1 running lab/);
    expect(receipt).toMatch(/▾ Receipt: team-b-search is gone(.*\n)+.*: absent\n(.*\n)+.*: absent\n/);
    expect(asked).toMatch(/octocat asked \/lab status: done\n(.*\n)+.*team-a-orders +ready/);
    expect(asked).toMatch(/asked \/lab extend team-a-orders 8h: done\. Pull request 5/);
    expect(stdout).toContain("labkeeper[bot] opened pull request 5: Extend team-a-orders to 20 h");
    expect(stdout).toContain("spec.ttlHours: 12 → 20");
    expect(stdout).toMatch(/lab\.created .*pull request #1(.*\n)+.*destroy\.completed/);
    await expectNothingLeft(ended);
    for (const { text } of blocks(page("README.md")).filter(({ info }) => info === "console demo")) {
      expect(missing(text.trimEnd().split("\n"), stdout), stdout).toBeNull();
    }
  });

  it("tells it without pull requests where there is no git", { timeout: PATIENCE }, async () => {
    const ended = await labkeeper(["demo"], { ...environment(), PATH: folder });
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("story without pull requests") });
    const { stdout } = ended;
    expect(stdout).toContain("3 lab files, no problems");
    expect(stdout).toContain("Plan: 3 to create");
    expect(stdout).toMatch(/"current_user":"lab_admin","postgres":"\d+/);
    expect(stdout).toMatch(/spec\.ttlHours: \d+ → 12/);
    expect(stdout).toMatch(/labs\/\S+:\d+:\d+ {2}LK2004 unknown field "profle"/);
    expect(stdout).toContain('{"answer":"still here"}');
    expect(stdout).toMatch(/RECEIPT\n {2}\S+ {2}absent\n(.*\n)+ {2}\S+ {2}absent\n/);
    expect(stdout).toMatch(/lab\.created(.*\n)+.*destroy\.completed/);
    await expectNothingLeft(ended);
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
