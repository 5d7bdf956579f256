import { describe, expect, test } from "vitest";
import { readKubeconfig } from "../../src/core/openshift/kubeconfig.ts";
import { type Remains, resume } from "../../src/core/openshift/resume.ts";

const fresh: Remains = {
  kept: true,
  stage: null,
  failures: 0,
  mayFinish: false,
  observed: "unknown",
  ageHours: 1,
  outdated: false,
};

describe("an install that may have been begun before", () => {
  test.each<[string, Partial<Remains>, object]>([
    ["was never begun", {}, { kind: "create" }],
    ["was never begun, and its ignition is old", { ageHours: 23 }, { kind: "anew", destroy: false }],
    ["stopped in its infrastructure", { stage: "infrastructure" }, { kind: "anew", destroy: true }],
    ["stopped in bootstrap", { stage: "bootstrap" }, { kind: "wait", from: "bootstrap" }],
    ["stopped in bootstrap a day ago", { stage: "bootstrap", ageHours: 25 }, { kind: "anew", destroy: true }],
    ["stopped while operators came up", { stage: "initialize" }, { kind: "wait", from: "install" }],
    ["stopped while operators came up a day ago", { stage: "initialize", ageHours: 30 }, { kind: "wait" }],
    ["was complete", { stage: "complete" }, { kind: "wait", from: "install" }],
    ["was complete but is gone", { stage: "complete", observed: "absent" }, { kind: "anew", destroy: true }],
    ["left nothing that is listed yet", { stage: "infrastructure", observed: "absent" }, { destroy: true }],
    ["was never begun, and is not what is asked for now", { outdated: true }, { kind: "anew", destroy: false }],
    ["stopped in bootstrap, and is not what is asked for", { stage: "bootstrap", outdated: true }, { destroy: true }],
    ["was complete, and is not what is asked for", { stage: "complete", outdated: true }, { destroy: true }],
    ["failed for good", { stage: "bootstrap", failures: 1 }, { kind: "anew", destroy: true }],
    ["failed but may finish", { stage: "initialize", failures: 1, mayFinish: true }, { kind: "wait" }],
    [
      "failed twice although it might have finished",
      { stage: "initialize", failures: 2, mayFinish: true },
      { kind: "anew", destroy: true },
    ],
    ["has no state any more", { kept: false }, { kind: "anew", destroy: true }],
    ["has no state any more, and nothing else", { kept: false, observed: "absent" }, { kind: "anew", destroy: true }],
    ["cannot be seen, so it may be there", { stage: "infrastructure", observed: "unknown" }, { destroy: true }],
  ])("that %s", (_what, change, expected) => {
    expect(resume({ ...fresh, ...change })).toMatchObject(expected);
  });
});

describe("a kubeconfig", () => {
  const config = (user: string, server = "https://api.lab.example.com:6443") =>
    `clusters:\n- {name: c, cluster: {server: "${server}", certificate-authority-data: Q0E=}}\n` +
    `contexts:\n- {name: admin, context: {cluster: c, user: u}}\ncurrent-context: admin\nusers:\n- {name: u, user: ${user}}\n`;

  test("with certificates is read", () => {
    expect(readKubeconfig(config("{client-certificate-data: Q0VSVA==, client-key-data: S0VZ}"))).toEqual({
      access: { server: "https://api.lab.example.com:6443", ca: "CA", cert: "CERT", key: "KEY", token: null },
    });
  });

  test("with a token is read", () => {
    expect(readKubeconfig(config("{token: abc}"))).toMatchObject({ access: { token: "abc" } });
  });

  test.each([
    "",
    "[]",
    "{",
    "a: &x [*x]",
    config("{}"),
    config("{exec: {command: rm}}"),
    config("{token: t}", "http://x"),
  ])("%j is refused without quoting it", (text) => {
    expect(readKubeconfig(text)).toHaveProperty("problem");
  });
});
