import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { stage } from "./exec-program.ts";
import { labOrder } from "./lab-order.ts";

const lab = labOrder();
const intent = { id: "intent-1" };
const read = "cat >/dev/null;";

describe("the request", () => {
  test("is one JSON object on stdin, sent after the process was recorded", async () => {
    await using it = await stage(
      `cat > request.json; cp run.json seen.json; echo '{"outputs":{},"credentials":{}}'; echo "pid $$" >&2`,
    );
    await it.provisioner.install(lab, intent, it.context);
    const request = JSON.parse(await readFile(join(it.workdir, "request.json"), "utf8"));
    expect(request).toEqual({
      apiVersion: "labkeeper.dev/v1",
      verb: "install",
      lab: {
        id: lab.id,
        name: lab.name,
        team: lab.team,
        spec: lab.spec,
        profile: { name: lab.profile.name, spec: lab.profile.spec },
      },
      intent,
      credentials: null,
      workdir: it.workdir,
    });
    const record = JSON.parse(await readFile(join(it.workdir, "seen.json"), "utf8"));
    expect(it.context.lines).toContain(`pid ${record.pid}`);
    expect(existsSync(join(it.workdir, "run.json"))).toBe(false);
  });

  test("holds credentials for verify only, and never in arguments or environment", async () => {
    await using it = await stage(`tr '\\0' '\\n' </proc/$$/cmdline >argv; tr '\\0' '\\n' </proc/$$/environ >env
      cat > request.json; echo '{}'`);
    await it.provisioner.verify(lab, intent, credentials({ password: "hunter2-canary" }), it.context);
    const file = (name: string): Promise<string> => readFile(join(it.workdir, name), "utf8");
    expect(JSON.parse(await file("request.json"))).toMatchObject({ credentials: { password: "hunter2-canary" } });
    expect(await file("argv")).not.toContain("hunter2");
    expect(await file("env")).not.toContain("hunter2");
  });

  test("leaves nothing of the catalog in the arguments, and no shell reads them", async () => {
    await using it = await stage(`tr '\\0' '\\n' </proc/$$/cmdline >argv; ${read} echo '{"outputs":{}}'`);
    const hostile = labOrder({ spec: { owner: "$(touch pwned)", tags: { "; touch pwned": "`touch pwned`" } } });
    await it.provisioner.update(hostile, { name: "'; touch pwned; '" }, it.context);
    const argv = (await readFile(join(it.workdir, "argv"), "utf8")).trimEnd().split("\n");
    expect(argv.slice(0, 2)).toEqual(["/bin/sh", "-c"]);
    expect(argv.slice(-2)).toEqual(["program", "update"]);
    expect(argv.join("\n")).not.toContain("pwned");
    expect(existsSync(join(it.workdir, "pwned"))).toBe(false);
  });

  test("passes on only the environment that was allowed", async () => {
    const environment = { ...process.env, LABKEEPER_CANARY: "leak", NODE_OPTIONS: "--leak", ALLOWED: "yes" };
    await using it = await stage(`tr '\\0' '\\n' </proc/$$/environ >env; ${read} echo '{"intent":{}}'`, {
      environment: { ...environment, TMPDIR: "/tmp" },
      allowEnvironment: ["ALLOWED", "NOT_SET"],
    });
    await it.provisioner.prepare(lab, it.context);
    const lines = (await readFile(join(it.workdir, "env"), "utf8")).trimEnd().split("\n");
    expect(lines).toContain("ALLOWED=yes");
    expect(lines.map((line) => line.split("=")[0]).sort()).toEqual(["ALLOWED", "HOME", "LANG", "PATH", "TMPDIR"]);
  });

  test("may be larger than a pipe, and left unread", async () => {
    await using it = await stage(`exec <&-; echo '{"outputs":{}}'`);
    const large = { text: "x".repeat(500_000) };
    expect(await it.provisioner.update(lab, large, it.context)).toEqual({ outputs: {} });
  });
});

describe("the answer", () => {
  test("of each verb is parsed into what the port promises", async () => {
    await using it = await stage(`${read} case $1 in
      prepare) echo '{"intent":{"infraID":"a-1"}}';;
      install) echo '{"outputs":{"url":"http://a"},"credentials":{"password":"p-123456"}}';;
      update) echo '{"outputs":{"workers":3}}';;
      observe) echo '{"verdict":"present","evidence":["vm/1"],"reason":"seen"}';;
      *) echo '{}';; esac`);
    const { provisioner, context } = it;
    expect(await provisioner.prepare(lab, context)).toEqual({ infraID: "a-1" });
    const installed = await provisioner.install(lab, intent, context);
    expect(installed.outputs).toEqual({ url: "http://a" });
    expect(installed.credentials.reveal("password")).toBe("p-123456");
    await provisioner.verify(lab, intent, installed.credentials, context);
    expect(await provisioner.update(lab, intent, context)).toEqual({ outputs: { workers: 3 } });
    await provisioner.destroy(lab, intent, context);
    expect(await provisioner.observe(lab, intent, context)).toEqual({ verdict: "present", evidence: ["vm/1"] });
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "canary-secret"],
    ["half an object", '{"outputs":{"a":"canary-secret"'],
    ["a list", '["canary-secret"]'],
    ["null", "null"],
    ["two objects", '{"outputs":{},"credentials":{}}{}'],
    ["text around it", 'canary-secret {"outputs":{},"credentials":{}}'],
    ["no credentials", '{"outputs":{}}'],
    ["credentials that are a list", '{"outputs":{},"credentials":["canary-secret"]}'],
    ["a credential that is a number", '{"outputs":{},"credentials":{"password":7}}'],
    ["an empty credential", '{"outputs":{},"credentials":{"password":""}}'],
    ["a credential with a path as its name", '{"outputs":{},"credentials":{"../x":"canary-secret"}}'],
    ["an unknown field", '{"outputs":{},"credentials":{},"canary-secret":1}'],
    ["outputs that are text", '{"outputs":"canary-secret","credentials":{}}'],
    ["an error beside success", '{"error":{"message":"canary-secret"}}'],
    ["a NUL in its outputs", '{"outputs":{"a":"canary-secret\\u0000"},"credentials":{}}'],
    ["half a character", '{"outputs":{"a":"\\ud800"},"credentials":{}}'],
    ["a trap for prototypes", '{"outputs":{"__proto__":{"a":1}},"credentials":{}}'],
    ["a number out of range", '{"outputs":{"a":1e999},"credentials":{}}'],
    [
      "a credential among its outputs",
      '{"outputs":{"a":"x canary-secret"},"credentials":{"password":"canary-secret"}}',
    ],
    ["a bottomless object", `{"outputs":${'{"a":'.repeat(40)}1${"}".repeat(40)},"credentials":{}}`],
  ])("that is %s breaks the contract, and is not quoted", async (_what, stdout) => {
    await using it = await stage(`${read} cat <<'END'\n${stdout}\nEND\n`.replace(/cat <<'END'\n\nEND/, ":"));
    const failure = await it.provisioner.install(lab, intent, it.context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "LK5005", disposition: "stop" });
    expect(`${(failure as Error).message} ${String((failure as Error).cause)}`).not.toContain("canary-secret");
  });

  test("that is not UTF-8 breaks the contract", async () => {
    await using it = await stage(`${read} printf '{"outputs":{"a":"\\377"},"credentials":{}}'`);
    await expect(it.provisioner.install(lab, intent, it.context)).rejects.toMatchObject({ code: "LK5005" });
  });

  test("that floods stdout is cut off at once", async () => {
    await using it = await stage(`${read} yes canary-secret`, { maxOutputBytes: 10_000 });
    const failure = await it.provisioner.install(lab, intent, it.context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "LK5005", message: expect.stringContaining("10000 bytes") });
  });

  test("that floods stdout and ends is refused as well", async () => {
    await using it = await stage(`${read} head -c 20000 /dev/zero`, { maxOutputBytes: 10_000 });
    await expect(it.provisioner.install(lab, intent, it.context)).rejects.toMatchObject({ code: "LK5005" });
  });
});

describe("the exit code", () => {
  const said = `echo '{"error":{"message":"quota is used up"}}';`;
  test.each([
    [1, said, "LK5002", "retry", "quota is used up"],
    [1, "", "LK5002", "retry", "exit code 1"],
    [1, "echo garbage;", "LK5002", "retry", "exit code 1"],
    [1, `echo '{"error":"text"}';`, "LK5002", "retry", "exit code 1"],
    [2, said, "LK5003", "stop", "quota is used up"],
    [2, "", "LK5003", "stop", "exit code 2"],
    [3, said, "LK5002", "retry", "quota is used up"],
    [255, "", "LK5002", "retry", "exit code 255"],
  ])("%i after «%s» is %s", async (code, output, lkCode, disposition, message) => {
    await using it = await stage(`${read} ${output} exit ${code}`);
    const expected = { code: lkCode, disposition, message: expect.stringContaining(message) };
    await expect(it.provisioner.install(lab, intent, it.context)).rejects.toMatchObject(expected);
    await expect(it.provisioner.destroy(lab, intent, it.context)).rejects.toMatchObject(expected);
  });

  test("1 from verify says that the lab does not answer, and hides the credentials it was given", async () => {
    await using it = await stage(
      `${read} echo "trying hunter2-canary" >&2; echo '{"error":{"message":"hunter2-canary refused"}}'; exit 1`,
    );
    const given = credentials({ password: "hunter2-canary" });
    const failure = await it.provisioner.verify(lab, intent, given, it.context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "LK5006", message: expect.stringContaining("[secret] refused") });
    expect(it.context.lines).toEqual(["trying [secret]"]);
  });

  test("of a program killed by a signal that we did not send is a failure to try again", async () => {
    await using it = await stage(`${read} kill -KILL $$`);
    const installing = it.provisioner.install(lab, intent, it.context);
    await expect(installing).rejects.toMatchObject({ code: "LK5002", message: expect.stringContaining("SIGKILL") });
  });

  test("does not exist for a program that cannot be started: the operator has to act", async () => {
    await using it = await stage("");
    const settings = { name: "gone", environment: process.env };
    const missing = execProvisioner({ ...settings, command: ["/nonexistent/program"] });
    await expect(missing.install(lab, intent, it.context)).rejects.toMatchObject({
      code: "LK5003",
      message: expect.stringContaining("ENOENT"),
      remedy: expect.stringContaining("gone"),
    });
    const plain = join(it.workdir, "plain.txt");
    await writeFile(plain, "not a program");
    await chmod(plain, 0o600);
    const unexecutable = execProvisioner({ ...settings, command: [plain] });
    await expect(unexecutable.install(lab, intent, it.context)).rejects.toMatchObject({ code: "LK5003" });
    expect(await missing.observe(lab, intent, it.context)).toMatchObject({ verdict: "unknown" });
  });
});

describe("stderr", () => {
  test("is the log, cleaned, with progress taken out", async () => {
    await using it = await stage(`${read} {
      printf 'plain\\n\\033[31mred\\033[0m\\n::progress 40 waiting for bootstrap\\n::progress - still waiting\\n'
      printf '::progress 400 nonsense\\n::progress\\nwithout end'; } >&2; echo '{"outputs":{}}'`);
    await it.provisioner.update(lab, intent, it.context);
    const plain = ["plain", "red", "::progress 400 nonsense", "::progress", "without end"];
    expect(it.context.lines).toEqual(plain);
    expect(it.context.phases).toEqual([
      { phase: "waiting for bootstrap", percent: 40 },
      { phase: "still waiting", percent: undefined },
    ]);
  });

  test("may flood without harm to the lab: the rest is dropped, and said once", async () => {
    await using it = await stage(`${read} head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; echo '{"outputs":{}}'`, {
      maxLogChars: 100_000,
    });
    expect(await it.provisioner.update(lab, intent, it.context)).toEqual({ outputs: {} });
    expect(it.context.lines.join("").length).toBeLessThan(200_000);
    expect(it.context.lines.filter((line) => line.includes("log limit"))).toHaveLength(1);
  });
});

describe("observe is unknown", () => {
  test.each([
    ["when it fails", "exit 1"],
    ["when it fails for good", "exit 2"],
    ["when it dies", "kill -KILL $$"],
    ["when it prints nothing", "exit 0"],
    ["when it prints garbage", "echo absent"],
    ["when it fails after saying absent", `echo '{"verdict":"absent","evidence":["none"]}'; exit 1`],
    ["when it says absent without evidence", `echo '{"verdict":"absent"}'`],
    ["when its evidence is not text", `echo '{"verdict":"absent","evidence":[1]}'`],
    ["when its verdict is not one", `echo '{"verdict":"gone","evidence":["x"]}'`],
    ["when its verdict is a list", `echo '{"verdict":["absent"],"evidence":["x"]}'`],
    ["when it answers something else", `echo '{"outputs":{}}'`],
    ["when it floods", "yes"],
    ["when it hangs", "sleep 60"],
    ["when it says so", `echo '{"verdict":"unknown","reason":"API down"}'`],
  ])("%s", async (_when, script) => {
    await using it = await stage(`${read} ${script}`, { timeoutSeconds: { observe: 1 }, maxOutputBytes: 100_000 });
    const seen = await it.provisioner.observe(lab, intent, it.context);
    expect(seen).toEqual({ verdict: "unknown", reason: expect.stringMatching(/\S/) });
  });

  test("when its work folder cannot be made", async () => {
    await using it = await stage(`${read} echo '{"verdict":"absent","evidence":["x"]}'`);
    await writeFile(it.workdir, "a file where the folder should be");
    const context = { ...it.context, workdir: join(it.workdir, "work") };
    expect(await it.provisioner.observe(lab, intent, context)).toMatchObject({ verdict: "unknown" });
    await expect(it.provisioner.destroy(lab, intent, context)).rejects.toBeInstanceOf(LabkeeperError);
  });
});

describe("settings", () => {
  const base = { name: "ok", command: ["/bin/true"], environment: {} };
  test.each([
    { ...base, name: "Not A Label" },
    { ...base, command: [] },
    { ...base, command: ["/bin/x\0y"] },
    { ...base, command: ["./relative"] },
    { ...base, maxOutputBytes: 0 },
    { ...base, timeoutSeconds: { install: Number.NaN } },
    { ...base, termGraceSeconds: -1 },
  ])("%j are refused", (settings) => {
    expect(() => execProvisioner(settings)).toThrow(expect.objectContaining({ code: "LK7001" }));
  });
});
