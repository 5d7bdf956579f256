import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { checkGithub } from "../../src/cli/doctor/github-checks.ts";
import { loadConfig } from "../../src/config.ts";
import {
  APP_EVENTS,
  APP_PERMISSIONS,
  appManifest,
  appRegistrationUrl,
  loginProblem,
} from "../../src/core/github-app.ts";
import { wireGithub } from "../../src/wire-github.ts";
import { startCheckedGitHub } from "../../standins/github/openapi/start-checked.ts";
import type { GitHubFacade } from "../../standins/github/start.ts";

const folder = mkdtempSync(join(tmpdir(), "labkeeper-github-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { privateKey: PEM } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

const load = (environment: Readonly<Record<string, string>>, file?: string) => {
  const config = join(folder, "settings.yaml");
  if (file !== undefined) writeFileSync(config, file);
  return loadConfig({ stateDir: folder, ...(file === undefined ? {} : { config }) }, environment, folder);
};

const refusal = (environment: Readonly<Record<string, string>>, file?: string): Promise<string> =>
  load(environment, file).then(
    () => "accepted",
    (error: Error) => error.message,
  );

const APP = { LABKEEPER_GITHUB_APP_ID: "4242", LABKEEPER_GITHUB_PRIVATE_KEY: PEM };
const CATALOG = { LABKEEPER_CATALOG: "https://github.com/octo-org/labs.git" };

describe("whether pull requests are told about", () => {
  test("nobody asked for it: no, and a token alone only reads the catalog", async () => {
    expect(await load({})).toMatchObject({ github: null, listen: null, githubHost: "github.com" });
    expect(await load({ ...CATALOG, GITHUB_TOKEN: "ghp_x" })).toMatchObject({ github: null, githubToken: "ghp_x" });
  });

  test("an App is set: yes, of the repository that the catalog's URL names", async () => {
    const { github } = await load({ ...APP, ...CATALOG });
    expect(github).toMatchObject({
      apiUrl: "https://api.github.com",
      webUrl: "https://github.com",
      repository: { owner: "octo-org", name: "labs" },
      credentials: { kind: "app", appId: "4242", installationId: null },
      webhookSecret: null,
      paced: true,
    });
    for (const url of ["https://github.com/octo-org/labs", "https://github.com/octo-org/labs/"]) {
      expect((await load({ ...APP, LABKEEPER_CATALOG: url })).github?.repository.name).toBe("labs");
    }
  });

  test("a token and a repository are set: yes", async () => {
    const { github } = await load({ GITHUB_TOKEN: "ghp_x", LABKEEPER_GITHUB_REPOSITORY: "octo-org/labs" });
    expect(github?.credentials.kind).toBe("token");
    expect(github?.credentials.secrets.reveal("token")).toBe("ghp_x");
  });

  test("a GitHub Enterprise Server's API is another host's", async () => {
    const environment = { ...APP, GITHUB_API_URL: "https://git.example.com/api/v3/", LABKEEPER_LISTEN: "[::1]:8080" };
    const config = await load({ ...environment, LABKEEPER_CATALOG: "https://git.example.com/octo-org/labs" });
    expect(config).toMatchObject({ githubHost: "git.example.com", listen: { host: "::1", port: 8080 } });
    expect(config.github).toMatchObject({
      apiUrl: "https://git.example.com/api/v3",
      webUrl: "https://git.example.com",
      repository: { owner: "octo-org", name: "labs" },
    });
  });

  test("what is not secret may stand in the file, and the environment wins", async () => {
    writeFileSync(join(folder, "app.pem"), PEM);
    const file =
      "github: { appId: 4242, installationId: 7, privateKeyFile: app.pem, repository: octo-org/labs }\nlisten: 0.0.0.0:80\n";
    const { github, listen } = await load({ LABKEEPER_GITHUB_REPOSITORY: "octo-org/other" }, file);
    expect(github).toMatchObject({ repository: { name: "other" }, credentials: { appId: "4242", installationId: 7 } });
    expect(github?.credentials.secrets.reveal("privateKey")).toBe(PEM);
    expect(listen).toEqual({ host: "0.0.0.0", port: 80 });
    expect(await refusal({}, "github: { privateKey: x }\n")).toContain("is not a known field");
  });

  test.each([
    ["PEM", PEM],
    ["PEM on one line", PEM.replaceAll("\n", "\\n")],
    ["base64", Buffer.from(PEM).toString("base64")],
  ])("the App's key is taken as %s", async (_, key) => {
    const { github } = await load({ ...APP, ...CATALOG, LABKEEPER_GITHUB_PRIVATE_KEY: key });
    expect(github?.credentials.secrets.reveal("privateKey").trim()).toBe(PEM.trim());
  });

  test("every bad value is named, and none repeated", async () => {
    const secret = "hunter2-hunter2";
    const message = await refusal({
      ...CATALOG,
      LABKEEPER_GITHUB_APP_ID: "my app",
      LABKEEPER_GITHUB_PRIVATE_KEY: secret,
      LABKEEPER_GITHUB_REPOSITORY: "octo-org/../labs",
      LABKEEPER_GITHUB_INSTALLATION_ID: "-1",
      LABKEEPER_LISTEN: "8080",
      GITHUB_API_URL: "http://git.example.com/api/v3",
    });
    for (const name of ["APP_ID", "PRIVATE_KEY", "REPOSITORY", "INSTALLATION_ID"]) {
      expect(message).toContain(`LABKEEPER_GITHUB_${name}: allowed is `);
    }
    expect(message).toContain("LABKEEPER_LISTEN: allowed is ");
    expect(message.match(/GITHUB_API_URL: allowed is /g)).toHaveLength(1);
    expect(message).not.toContain(secret);
    expect(await refusal({ ...CATALOG, LABKEEPER_GITHUB_APP_ID: "4242" })).toContain("both or none");
    expect(await refusal(APP)).toContain("LABKEEPER_GITHUB_REPOSITORY");
  });

  test("nothing secret is printed with the configuration", async () => {
    const { github } = await load({ ...APP, ...CATALOG, LABKEEPER_GITHUB_WEBHOOK_SECRET: "hunter2-hunter2" });
    for (const shown of [inspect(github, { depth: 9, showHidden: true }), JSON.stringify(github)]) {
      expect(shown).not.toContain("hunter2");
      expect(shown).not.toContain("PRIVATE KEY");
    }
    expect(github?.webhookSecret?.reveal("webhookSecret")).toBe("hunter2-hunter2");
  });
});

describe("the App that is asked for", () => {
  const wishes = {
    name: "labkeeper",
    url: "https://example.com",
    webhookUrl: "https://labs.example.com/webhooks/github",
  };

  test("is the same in the manifest and in the page's address", () => {
    expect(appManifest(wishes)).toMatchObject({ default_permissions: APP_PERMISSIONS, default_events: APP_EVENTS });
    const { pathname, searchParams } = new URL(appRegistrationUrl(wishes, "https://github.com", "octo-org"));
    expect(pathname).toBe("/organizations/octo-org/settings/apps/new");
    expect(searchParams.getAll("events[]")).toEqual(APP_EVENTS);
    for (const [name, level] of Object.entries(APP_PERMISSIONS)) expect(searchParams.get(name)).toBe(level);
  });

  test.each(["octo-org", "a", "A1", "a".repeat(39)])("belongs to %s, which is a login", (login) => {
    expect(loginProblem(login)).toBeNull();
  });

  test.each([
    ["a/b?c", "letters, digits and hyphens only"],
    ["https://github.com/octo-org", "not its address"],
    ["octo_org", "letters, digits and hyphens only"],
    ["ocţo", "letters, digits and hyphens only"],
    ["octo-org\n", "letters, digits and hyphens only"],
    ["-octo", "stand alone between"],
    ["octo-", "stand alone between"],
    ["octo--org", "stand alone between"],
    ["a".repeat(40), "at most 39 characters"],
    ["", "at least one character"],
  ])("belongs to no %j", (login, words) => {
    expect(loginProblem(login)).toContain(words);
  });

  test("leads nowhere else, whoever is named as its owner", () => {
    const page = new URL(appRegistrationUrl(wishes, "https://github.com", "a/b?c#d/../../x"));
    expect(page.pathname).toBe("/organizations/a%2Fb%3Fc%23d%2F..%2F..%2Fx/settings/apps/new");
    expect(page.searchParams.get("name")).toBe(wishes.name);
  });

  test("takes no webhooks where none are wanted", () => {
    expect(appManifest({ ...wishes, webhookUrl: null })).toMatchObject({
      hook_attributes: { active: false },
      default_events: [],
    });
  });
});

describe("doctor", () => {
  const environment = (github: GitHubFacade) => ({
    GITHUB_API_URL: github.apiUrl,
    LABKEEPER_CATALOG: github.cloneUrl,
    LABKEEPER_GITHUB_APP_ID: String(github.app.id),
    LABKEEPER_GITHUB_PRIVATE_KEY: github.app.privateKey,
    LABKEEPER_GITHUB_WEBHOOK_SECRET: github.app.webhookSecret,
    LABKEEPER_LISTEN: "127.0.0.1:0",
  });

  const examined = async (variables: Readonly<Record<string, string>>) => {
    const config = await load(variables);
    const checks = await checkGithub(config, wireGithub(config));
    return new Map(checks.map((check) => [check.name, check]));
  };

  test("finds an App as it should be", async () => {
    const github = await startCheckedGitHub({ permissions: APP_PERMISSIONS, events: APP_EVENTS });
    const found = await examined(environment(github));
    expect([...found].map(([name, { verdict }]) => [name, verdict])).toEqual([
      ["github", "ok"],
      ["github permissions", "ok"],
      ["github webhooks", "ok"],
      ["github clock", "ok"],
      ["github rate limit", "ok"],
    ]);
    await github.stop();
  });

  test("names what is missing, what is too much, and what nobody subscribed to", async () => {
    const github = await startCheckedGitHub({ permissions: APP_PERMISSIONS, events: ["push"] });
    github.setAppPermissions({ ...APP_PERMISSIONS, checks: "read", administration: "write" });
    let found = await examined(environment(github));
    expect(found.get("github permissions")).toMatchObject({ verdict: "failed", detail: "missing: checks: write" });
    expect(found.get("github webhooks")).toMatchObject({
      verdict: "warning",
      detail: expect.stringContaining("issue_comment, pull_request"),
    });
    github.setAppPermissions({ ...APP_PERMISSIONS, administration: "write" });
    github.clock.advance(90_000);
    found = await examined(environment(github));
    expect(found.get("github permissions")).toMatchObject({
      verdict: "warning",
      detail: "more than is needed: administration: write",
    });
    expect(found.get("github clock")).toMatchObject({ verdict: "warning" });
    await github.stop();
  });

  test("tells what to do when GitHub refuses, and when no secret is there to check deliveries with", async () => {
    const github = await startCheckedGitHub();
    github.setAppInstalled(false);
    const found = await examined({ ...environment(github), LABKEEPER_GITHUB_WEBHOOK_SECRET: "" });
    expect(found.get("github")).toMatchObject({ verdict: "failed", detail: expect.stringMatching(/^LK8003 /) });
    expect(found.get("github webhooks")).toMatchObject({ verdict: "failed" });
    await github.stop();
  });

  test("says of a token what GitHub says of it", async () => {
    const github = await startCheckedGitHub();
    const token = { LABKEEPER_GITHUB_APP_ID: "", LABKEEPER_GITHUB_PRIVATE_KEY: "" };
    const repository = { LABKEEPER_GITHUB_REPOSITORY: "octo-org/labs", LABKEEPER_LISTEN: "" };
    const mine = { ...environment(github), ...token, ...repository, GITHUB_TOKEN: github.token };
    const found = await examined(mine);
    expect(found.get("github")).toMatchObject({ verdict: "ok", detail: "a token on octo-org/labs" });
    expect(found.get("github permissions")).toMatchObject({ verdict: "ok" });
    expect(found.get("github webhooks")).toMatchObject({ verdict: "skipped" });
    github.setPermission("labkeeper-bot", "read");
    github.limits.perHour = 2;
    const later = await examined(mine);
    expect(later.get("github permissions")).toMatchObject({ verdict: "failed" });
    expect(later.get("github rate limit")).toMatchObject({
      verdict: "warning",
      detail: expect.stringMatching(/^0 of 2 requests left until /),
    });
    await github.stop();
  });

  test("says in one line that nothing is set up", async () => {
    expect([...(await examined({}))]).toMatchObject([["github", { verdict: "skipped" }]]);
  });
});
