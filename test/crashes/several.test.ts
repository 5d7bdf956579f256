/** Several real processes at once: one that is paused past its lease, all of them replaced. */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lab, labs, names } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { isAlive } from "../provisioners/exec-program.ts";
import { type Member, members } from "./members.ts";

const TIME = { timeout: 240_000 };
const PATIENT = { timeout: 60_000, interval: 50 };

/**
 * A program that says when it begins and, unless it is killed, when it ends. `install` waits for a file named `go`, and
 * makes of the intent what prepare answered.
 */
const program = (w: World): readonly string[] => {
  const path = join(w.folder, "program.sh");
  const script = `
request=$(cat)
case "$1" in
  prepare) echo '{"intent":{"infraID":"one-aaaaa"}}' ;;
  install) echo "begin $$" >> ${w.folder}/calls
    while [ ! -e ${w.folder}/go ]; do sleep 0.05; done
    echo "end $$" >> ${w.folder}/calls
    echo '{"outputs":{},"credentials":{"password":"correct-horse-battery"}}' ;;
  verify) echo '{}' ;;
  *) echo '{"verdict":"absent","evidence":[]}' ;;
esac`;
  writeFileSync(path, script);
  return ["/bin/sh", path];
};

const calls = (w: World): { readonly what: string; readonly pid: number }[] => {
  const path = join(w.folder, "calls");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => ({ what: line.split(" ")[0] ?? "", pid: Number(line.split(" ")[1]) }));
};

const holders = async (w: World): Promise<unknown[]> =>
  (await w.sql<{ holder: string }>("select holder from jobs where state = 'running'")).map(({ holder }) => holder);

describe.each([
  ["on one host", "work", "work"],
  ["on two hosts", "work-a", "work-b"],
] as const)("a worker that is stopped past its lease, %s", (_, hostA, hostB) => {
  test("has its program stopped and can write nothing when it wakes", TIME, async () => {
    await using w = await world();
    await using m = members(w);
    const command = program(w);
    w.commit(lab("one"));
    await w.reconcile();
    const short = { role: "work", program: command, leaseSeconds: 3, heartbeatSeconds: 0.5 } as const;
    const sleeper = m.start({ ...short, name: "sleeper", host: hostA });
    await expect.poll(() => calls(w).length, PATIENT).toBe(1);
    const [first] = calls(w);
    const left = first?.pid ?? 0;
    sleeper.kill("SIGSTOP");

    // Somebody else's lease does not run out while this machine is slow: it has a minute.
    const other = m.start({ ...short, name: "other", host: hostB, leaseSeconds: 60, heartbeatSeconds: 5 });
    await expect.poll(() => holders(w), PATIENT).toEqual(["other"]);
    await expect.poll(() => calls(w).length, PATIENT).toBe(2);
    // Where the other one can see it, it does not begin beside it.
    if (hostA === hostB) expect(await isAlive(left)).toBe(false);

    const before = await w.sql("select * from jobs, labs order by jobs.id");
    sleeper.kill("SIGCONT");
    await expect.poll(() => isAlive(left), PATIENT).toBe(false);
    // It goes on with other work: it was only late.
    w.commit(lab("two"));
    await w.reconcile();
    await expect.poll(() => holders(w), PATIENT).toEqual(expect.arrayContaining(["other", "sleeper"]));
    expect(await w.sql("select * from jobs, labs where labs.name = 'one' and jobs.lab_id = labs.id")).toEqual(
      before.map((row) => expect.objectContaining({ token: (row as { token: unknown }).token, holder: "other" })),
    );

    appendFileSync(join(w.folder, "go"), "");
    await expect.poll(() => w.states(), PATIENT).toEqual({ one: "ready", two: "ready" });
    expect(await other.stop()).toBe(0);
    expect(await sleeper.stop()).toBe(0);
    const told = await w.sql("select actor from lab_events where lab = 'one' and event_type = 'provision.completed'");
    expect(told).toEqual([{ actor: "other" }]);
    // The first call never ended by itself.
    expect(calls(w).filter(({ pid }) => pid === left)).toEqual([{ what: "begin", pid: left }]);
  });
});

test("three processes that are replaced under load lose no job and run none twice at once", TIME, async () => {
  await using w = await world({
    profiles: {
      quick: { platformConfig: { simulated: { latencySeconds: { install: 0.2, verify: 0.02 } } } },
      long: { platformConfig: { simulated: { latencySeconds: { install: 600 } } } },
    },
  });
  await using m = members(w);
  const all = names("lab", 24);
  const order = { role: "work", concurrency: 4, drainMs: 1_000 } as const;
  w.commit({ ...labs(all), ...labs(["slow"], { spec: { profile: "long" } }) });
  await w.reconcile();
  const old = [1, 2, 3].map((n) => m.start({ ...order, name: `old-${n}` }));
  const fresh: Member[] = [];
  const ready = async (): Promise<number> =>
    Object.values(await w.states()).filter((state) => state === "ready").length;
  for (const [index, worker] of old.entries()) {
    await expect.poll(ready, PATIENT).toBeGreaterThanOrEqual(4 * (index + 1));
    fresh.push(m.start({ ...order, name: `new-${index + 1}` }));
    const leaving = performance.now();
    expect(await worker.stop()).toBe(0);
    // It waits for steps that end soon, and hands the long ones over: no part of ten minutes.
    expect(performance.now() - leaving).toBeLessThan(30_000);
  }
  await expect.poll(ready, PATIENT).toBe(all.length);
  await expect.poll(() => holders(w), PATIENT).toEqual([expect.stringMatching(/^new-/)]);

  const journal = await w.cloud.journal();
  for (const name of all) {
    const told = journal.filter(({ lab: of }) => of === name);
    expect([name, new Set(told.map(({ infraID }) => infraID)).size]).toEqual([name, 1]);
  }
  expect(overlaps(readFileSync(join(w.folder, "witness"), "utf8"))).toEqual([]);
  // Handed over, not lost: no attempt failed, no lease ran out, and each run of a job ended before the next began.
  const jobs = await w.sql("select state, attempt, recoveries from jobs where state <> 'running'");
  expect(jobs).toEqual(all.map(() => ({ state: "succeeded", attempt: 1, recoveries: 0 })));
  const { recoveries, attempt } =
    (await w.sql<Record<string, number>>("select * from jobs where state = 'running'"))[0] ?? {};
  expect({ recoveries, attempt }).toEqual({ recoveries: 0, attempt: 1 });
  for (const worker of fresh) expect(await worker.stop()).toBe(0);
  expect(await w.sql("select 1 from jobs where state = 'running'")).toEqual([]);
});

/** Calls on a lab that began before another one on it had ended, in any process. */
function overlaps(witness: string): string[] {
  const inside = new Set<string>();
  const lines = witness.trim().split("\n");
  expect(lines.length).toBeGreaterThan(100);
  return lines.filter((line) => {
    const [what, name = ""] = line.split(" ");
    const clash = what === "begin" && inside.has(name);
    if (what === "begin") inside.add(name);
    else inside.delete(name);
    return clash;
  });
}
