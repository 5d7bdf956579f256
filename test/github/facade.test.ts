/** The stand-in for GitHub does what GitHub does, as far as labkeeper's tests lean on it. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, installationToken, jwt } from "../../standins/github/asked.ts";
import { startCheckedGitHub } from "../../standins/github/openapi/start-checked.ts";
import type { GitHubFacade } from "../../standins/github/start.ts";

let github: GitHubFacade;

beforeEach(async () => {
  github = await startCheckedGitHub({ files: { "labs/team-a/one.yaml": "a: 1\n", "README.md": "# Labs\n" } });
});

afterEach(() => github.stop());

const lab = (name: string): Readonly<Record<string, string>> => ({ [`labs/team-a/${name}.yaml`]: `name: ${name}\n` });

describe("pull requests", () => {
  test.each(["merge", "squash", "rebase"] as const)("a %s moves the branch by real commits", async (method) => {
    const before = github.branch("main");
    const { number } = github.openPullRequest({ changes: lab("two"), title: "Add two" });
    github.push(number, lab("three"));
    github.commit({ changes: { "README.md": "# Ours\n" } });
    const base = github.branch("main");
    const head = github.pullRequest(number).head.sha;

    const merged = await ask(github, `PUT REPO/pulls/${number}/merge`, { body: { merge_method: method } });
    expect(merged).toMatchObject({ status: 200, body: { merged: true, sha: github.branch("main") } });

    const tip = github.branch("main") ?? "";
    const commits = github.repository.git(["log", "--format=%s", `${before}..main`]).split("\n");
    const { parents } = github.readCommit(tip);
    if (method === "merge") {
      expect(parents).toEqual([base, head]);
      expect(commits).toHaveLength(4);
    } else if (method === "squash") {
      expect(parents).toEqual([base]);
      expect(commits).toEqual([`Add two (#${number})`, "Change"]);
    } else {
      expect(commits).toEqual(["Change", "Add two", "Change"]);
    }
    expect(github.file("labs/team-a/two.yaml")).toBe("name: two");
    expect(github.file("labs/team-a/three.yaml")).toBe("name: three");
    expect(github.file("README.md")).toBe("# Ours");

    const found = await ask(github, `GET REPO/commits/${tip}/pulls`);
    expect(found.body).toMatchObject([{ number, state: "closed", merge_commit_sha: tip }]);
  });

  test("a conflict and a head that moved are refused", async () => {
    const { number, head } = github.openPullRequest({ changes: { "README.md": "# Theirs\n" } });
    const stale = head.sha;
    github.push(number, lab("two"));
    const moved = await ask(github, `PUT REPO/pulls/${number}/merge`, { body: { sha: stale } });
    expect(moved.status).toBe(409);
    github.commit({ changes: { "README.md": "# Ours\n" } });
    const refused = await ask(github, `PUT REPO/pulls/${number}/merge`, { body: {} });
    expect(refused).toMatchObject({ status: 405, body: { message: "Pull Request is not mergeable" } });
    const { body } = await ask(github, `GET REPO/pulls/${number}`);
    expect(body).toMatchObject({ mergeable: false, mergeable_state: "dirty", merged: false });
  });

  test("refs/pull/N/head follows pushes, also a fork's and forced ones, and outlives the branch", async () => {
    const own = github.openPullRequest({ changes: lab("two"), branch: "two" });
    const theirs = github.openPullRequest({ changes: lab("three"), fork: "monalisa", by: "monalisa" });
    const pushed = github.push(theirs.number, lab("four"));
    const forced = github.forcePush(own.number, lab("five"));
    const at = (number: number): string => github.repository.git(["rev-parse", `refs/pull/${number}/head`]);
    expect([at(own.number), at(theirs.number)]).toEqual([forced, pushed]);
    expect(github.repository.git(["branch", "--list"])).not.toContain("patch");

    const { body } = await ask(github, `GET REPO/pulls/${theirs.number}/files`);
    expect(body).toMatchObject([
      { filename: "labs/team-a/four.yaml", status: "added" },
      { filename: "labs/team-a/three.yaml", status: "added", patch: "@@ -0,0 +1 @@\n+name: three" },
    ]);
    github.deleteBranch("two");
    expect(github.pullRequest(own.number).state).toBe("closed");
    expect(at(own.number)).toBe(forced);
  });

  test("one whose commits are pushed to the base branch is shown as merged", async () => {
    const { number, head } = github.openPullRequest({ changes: lab("two") });
    const body = { sha: head.sha };
    expect(await ask(github, "PATCH REPO/git/refs/heads/main", { body })).toMatchObject({ status: 200 });
    expect((await ask(github, `GET REPO/pulls/${number}`)).body).toMatchObject({ merged: true });
    expect((await ask(github, `GET REPO/commits/${head.sha}/pulls`)).body).toMatchObject([{ number }]);
  });

  test("a merge queue lands several by one push, each with a commit of its own", async () => {
    const numbers = ["two", "three"].map((name) => github.openPullRequest({ changes: lab(name) }).number);
    const before = github.branch("main");
    const tip = github.mergeQueue(numbers);
    const commits = github.repository.git(["rev-list", "--reverse", `${before}..main`]).split("\n");
    expect(commits.at(-1)).toBe(tip);
    const found = await Promise.all(commits.map((commit) => ask(github, `GET REPO/commits/${commit}/pulls`)));
    expect(found.map(({ body }) => body)).toMatchObject([[{ number: numbers[0] }], [{ number: numbers[1] }]]);
  });

  test("one whose fork is gone is closed and says nothing of where it came from", async () => {
    const { number, head } = github.openPullRequest({ changes: lab("two"), fork: "monalisa" });
    const { sha } = head;
    github.deleteFork("monalisa");
    const { body } = await ask(github, `GET REPO/pulls/${number}`);
    expect(body).toMatchObject({ state: "closed", head: { sha, repo: null, user: null, label: null } });
    expect(github.repository.git(["rev-parse", `refs/pull/${number}/head`])).toBe(sha);
  });

  test("lists have 30 to a page and link to the next", async () => {
    for (let count = 0; count < 31; count += 1) github.openPullRequest({ changes: lab(`lab-${count}`) });
    const first = await ask(github, "GET REPO/pulls?state=open");
    expect(first.body).toHaveLength(30);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await ask(github, `GET ${next}`);
    expect(second.body).toMatchObject([{ number: 1 }]);
    expect(second.headers.get("link")).not.toContain('rel="next"');
    expect((await ask(github, "GET REPO/pulls?per_page=100")).headers.get("link")).toBeNull();
  });

  test("a bot's branch, file and pull request are made over the API", async () => {
    const token = await installationToken(github);
    const main = github.branch("main");
    const options = { token, body: { ref: "refs/heads/expire/one", sha: main } };
    expect((await ask(github, "POST REPO/git/refs", options)).status).toBe(201);
    expect((await ask(github, "POST REPO/git/refs", options)).status).toBe(422);

    const file = "REPO/contents/labs/team-a/one.yaml";
    const { sha } = (await ask(github, `GET ${file}`, { token })).body as { readonly sha: string };
    const wrong = { message: "Expire one", branch: "expire/one", sha: main };
    expect((await ask(github, `DELETE ${file}`, { token, body: wrong })).status).toBe(409);
    const removed = await ask(github, `DELETE ${file}`, { token, body: { ...wrong, sha } });
    expect(removed).toMatchObject({ status: 200, body: { content: null } });
    expect((await ask(github, `GET ${file}?ref=expire/one`, { token })).status).toBe(404);

    const body = { title: "Expire one", head: "expire/one", base: "main" };
    const opened = await ask(github, "POST REPO/pulls", { token, body });
    expect(opened).toMatchObject({ status: 201, body: { user: { login: github.app.login, type: "Bot" } } });
    expect((await ask(github, "POST REPO/pulls", { token, body })).status).toBe(422);
  });
});

describe("comments", () => {
  test("say who wrote them, and by which App", async () => {
    github.setOrganizationMember("octocat", true);
    const { number } = github.openPullRequest({ changes: lab("two") });
    github.comment(number, "/lab status", "octocat");
    github.comment(number, "/lab approve", "mallory");
    const token = await installationToken(github);
    await ask(github, `POST REPO/issues/${number}/comments`, { token, body: { body: "The plan" } });
    const { body } = await ask(github, `GET REPO/issues/${number}/comments`);
    expect(body).toMatchObject([
      { user: { login: "octocat", type: "User" }, author_association: "MEMBER", performed_via_github_app: null },
      { user: { login: "mallory" }, author_association: "NONE" },
      { user: { login: "labkeeper[bot]", type: "Bot" }, performed_via_github_app: { id: github.app.id } },
    ]);
  });

  test("are found since a time, by their last change", async () => {
    const { number } = github.openPullRequest({ changes: lab("two") });
    const first = github.comment(number, "first");
    github.comment(number, "second");
    github.clock.advance(60_000);
    const since = new Date(github.clock.now()).toISOString().replace(/\.\d+/, "");
    github.editComment(first.id, "first, edited");
    const { body } = await ask(github, `GET REPO/issues/comments?since=${since}&sort=updated&direction=desc`);
    expect(body).toMatchObject([{ id: first.id, body: "first, edited" }]);
  });

  test("are no longer taken from an App when the conversation is locked", async () => {
    const { number } = github.openPullRequest({ changes: lab("two") });
    github.setLocked(number, true);
    const token = await installationToken(github);
    const request = { body: { body: "The plan" } };
    const refused = await ask(github, `POST REPO/issues/${number}/comments`, { token, ...request });
    expect(refused).toMatchObject({ status: 403, body: { message: expect.stringContaining("issue is locked") } });
    expect((await ask(github, `POST REPO/issues/${number}/comments`, request)).status).toBe(201);
  });

  test("can be too long, and gone", async () => {
    const { number } = github.openPullRequest({ changes: lab("two") });
    const { id } = github.comment(number, "first");
    const long = { body: "x".repeat(65_537) };
    expect((await ask(github, `PATCH REPO/issues/comments/${id}`, { body: long })).status).toBe(422);
    github.deleteComment(id);
    expect((await ask(github, `PATCH REPO/issues/comments/${id}`, { body: { body: "x" } })).status).toBe(404);
  });

  test("have one reaction of a kind from a user", async () => {
    const { number } = github.openPullRequest({ changes: lab("two") });
    const { id } = github.comment(number, "/lab help");
    const options = { body: { content: "eyes" } };
    const statuses = [
      (await ask(github, `POST REPO/issues/comments/${id}/reactions`, options)).status,
      (await ask(github, `POST REPO/issues/comments/${id}/reactions`, options)).status,
    ];
    expect(statuses).toEqual([201, 200]);
    expect((await ask(github, `GET REPO/issues/comments/${id}/reactions`)).body).toHaveLength(1);
  });
});

describe("checks and statuses", () => {
  test("a check run is an App's, and completes with its conclusion", async () => {
    const { head } = github.openPullRequest({ changes: lab("two") });
    const body = { name: "labkeeper/plan", head_sha: head.sha, status: "in_progress" };
    expect((await ask(github, "POST REPO/check-runs", { body })).status).toBe(403);
    const token = await installationToken(github);
    const made = await ask(github, "POST REPO/check-runs", { token, body });
    const { id } = made.body as { readonly id: number };
    const done = await ask(github, `PATCH REPO/check-runs/${id}`, { token, body: { conclusion: "neutral" } });
    expect(done.body).toMatchObject({ status: "completed", conclusion: "neutral", app: { slug: "labkeeper" } });
    const listed = await ask(github, `GET REPO/commits/${head.sha}/check-runs?check_name=labkeeper/plan`);
    expect(listed.body).toMatchObject({ total_count: 1, check_runs: [{ id }] });
  });

  test("the newest status of a context counts", async () => {
    const sha = github.branch("main");
    for (const state of ["pending", "success"]) {
      const body = { state, context: "labkeeper/one", description: state };
      expect((await ask(github, `POST REPO/statuses/${sha}`, { body })).status).toBe(201);
    }
    expect((await ask(github, `GET REPO/commits/${sha}/status`)).body).toMatchObject({
      state: "success",
      total_count: 1,
    });
    expect((await ask(github, `GET REPO/commits/${sha}/statuses`)).body).toHaveLength(2);
  });
});

describe("who may ask", () => {
  test("an App's JWT is held against its key, its clock and its length", async () => {
    const message = async (token: string): Promise<unknown> => {
      const { status, body } = await ask(github, "GET /app", { token });
      return status === 200 ? status : (body as { readonly message: string }).message;
    };
    expect(await message(jwt(github))).toBe(200);
    expect(await message(`${jwt(github).slice(0, -8)}AAAAAAAA`)).toContain("could not be decoded");
    expect(await message(jwt(github, { issued: 120 }))).toContain("'Issued at'");
    expect(await message(jwt(github, { expires: -1 }))).toContain("must be a numeric value");
    expect(await message(jwt(github, { expires: 1200 }))).toContain("too far in the future");
    expect(await message(jwt(github, { issuer: "1" }))).toContain("'Issuer'");
  });

  test("an installation token is over after an hour", async () => {
    const token = await installationToken(github);
    github.clock.advance(3_599_000);
    expect((await ask(github, "GET REPO", { token })).status).toBe(200);
    github.clock.advance(2000);
    expect(await ask(github, "GET REPO", { token })).toMatchObject({
      status: 401,
      body: { message: "Bad credentials" },
    });
  });

  test("a private repository is not there for who may not read it; a permission that is not granted is missed", async () => {
    expect((await ask(github, "GET REPO", { token: null })).status).toBe(404);
    expect((await ask(github, "GET REPO", { token: github.createToken("mallory") })).status).toBe(404);
    expect((await ask(github, "GET REPO", { token: "ghp_unknown" })).status).toBe(401);
    github.setAppPermissions({ metadata: "read", contents: "read" });
    const token = await installationToken(github);
    const body = { state: "success" };
    const refused = await ask(github, `POST REPO/statuses/${github.branch("main")}`, { token, body });
    expect(refused).toMatchObject({ status: 403, body: { message: "Resource not accessible by integration" } });
    github.setAppInstalled(false);
    expect((await ask(github, "GET REPO", { token })).status).toBe(401);
    expect((await ask(github, "GET REPO/installation", { token: jwt(github) })).status).toBe(404);
  });

  test("teams and permissions are told as they are at that moment", async () => {
    const token = await installationToken(github);
    const path = `GET /orgs/${github.owner}/teams/lab-admins/memberships/octocat`;
    github.addTeamMember("lab-admins", "octocat");
    expect((await ask(github, path, { token })).body).toMatchObject({ state: "active" });
    github.addTeamMember("lab-admins", "octocat", { role: "member", state: "pending" });
    expect((await ask(github, path, { token })).body).toMatchObject({ state: "pending" });
    github.removeTeamMember("lab-admins", "octocat");
    expect((await ask(github, path, { token })).status).toBe(404);
    github.setPermission("octocat", "maintain");
    const permission = await ask(github, "GET REPO/collaborators/octocat/permission", { token });
    expect(permission.body).toMatchObject({ permission: "write", role_name: "maintain" });
  });
});
