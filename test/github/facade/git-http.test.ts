import { execFile } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GIT_ENV, temporaryFolder } from "../../../standins/git/repository.ts";
import { ask, installationToken } from "../../../standins/github/asked.ts";
import { startCheckedGitHub } from "../../../standins/github/openapi/start-checked.ts";
import type { GitHubFacade } from "../../../standins/github/start.ts";

let github: GitHubFacade;
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(async () => {
  github = await startCheckedGitHub();
  folder = temporaryFolder();
});

afterEach(async () => {
  await github.stop();
  folder.remove();
});

/** git beside the server's own loop, which a synchronous one would hold. */
function run(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("git", args, { cwd, env: GIT_ENV, timeout: 60_000 }, (error, output) => {
      if (error === null) resolve(output.trim());
      else reject(error);
    });
  });
}

const as = (token: string): string => github.cloneUrl.replace("://", `://x-access-token:${token}@`);

test("a private repository is cloned with a token only", async () => {
  const cloned = `${folder.path}/labs`;
  await expect(run(["clone", "--quiet", github.cloneUrl, cloned], folder.path)).rejects.toThrow("clone");
  await expect(run(["clone", "--quiet", as("ghp_unknown"), cloned], folder.path)).rejects.toThrow("clone");
  await run(["clone", "--quiet", as(await installationToken(github)), cloned], folder.path);
  expect(await run(["rev-parse", "HEAD"], cloned)).toBe(github.branch("main"));
  expect(github.requests.map(({ status }) => status)).toContain(401);
});

test("a push moves a pull request, and is refused to who may only read", async () => {
  const { number, head } = github.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" }, branch: "a" });
  const cloned = `${folder.path}/labs`;
  await run(["clone", "--quiet", "--branch=a", as(github.token), cloned], folder.path);
  expect(await run(["rev-parse", "HEAD"], cloned)).toBe(head.sha);
  await run(["commit", "--quiet", "--allow-empty", "-m", "more"], cloned);
  await run(["push", "--quiet", "origin", "a"], cloned);
  const pushed = await run(["rev-parse", "HEAD"], cloned);
  const { body } = await ask(github, `GET REPO/pulls/${number}`);
  expect(body).toMatchObject({ head: { sha: pushed }, commits: 2 });
  expect(await run(["ls-remote", "origin", `refs/pull/${number}/head`], cloned)).toContain(pushed);

  github.setPermission("octocat", "read");
  const reader = as(github.createToken("octocat"));
  await run(["commit", "--quiet", "--allow-empty", "-m", "even more"], cloned);
  await expect(run(["push", "--quiet", reader, "a"], cloned)).rejects.toThrow("403");
  await expect(run(["push", "--quiet", "origin", `HEAD:refs/pull/${number}/head`], cloned)).rejects.toThrow("push");
});

test("faults meet git, too", async () => {
  const fault = github.faults.add(/info\/refs/, { kind: "status", status: 503 }, 1);
  await expect(run(["ls-remote", as(github.token)], folder.path)).rejects.toThrow("503");
  expect(fault.hits).toBe(1);
  expect(await run(["ls-remote", as(github.token), "refs/heads/main"], folder.path)).toContain(github.branch("main"));
});
