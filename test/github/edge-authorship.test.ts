/** Whose work a pull request is, told page by page and no more often than its commits change. */

import { expect, test } from "vitest";
import { type EdgeWorld, edgeWorld, refusalOf } from "./edge-world.ts";

/** Opens one with this many commits, by octocat but for the last. */
function openWith({ github }: EdgeWorld, count: number): number {
  const { repository } = github;
  const ids = new Map(["octocat", "monalisa"].map((login) => [login, idOf(github, login)]));
  const commits = Array.from({ length: count }, (_, index) => {
    const login = index === count - 1 ? "monalisa" : "octocat";
    const person = `${login} <${ids.get(login)}+${login}@users.noreply.github.com> ${1_800_000_000 + index} +0000`;
    const from = index === 0 ? "from refs/heads/main^0\n" : "";
    return `commit refs/heads/many\nauthor ${person}\ncommitter ${person}\ndata 2\n${index % 10}\n${from}M 100644 inline x\ndata ${String(index).length}\n${index}\n`;
  });
  repository.git(["fast-import", "--quiet", "--force"], commits.join(""));
  return github.openPullRequest({ branch: "many", by: "hubot" }).number;
}

const idOf = (github: EdgeWorld["github"], login: string): number => {
  const sha = github.commit({ branch: `of-${login}`, changes: { x: login }, by: login });
  const email = github.repository.git(["show", "-s", "--format=%ae", sha]);
  return Number(email.split("+")[0]);
};

const commitRequests = ({ github }: EdgeWorld): number =>
  github.requests.filter(({ path }) => /\/pulls\/\d+\/commits/.test(path)).length;

test.each([
  [3, 1, null],
  [101, 2, null],
  [250, 3, null],
  [251, 3, "GitHub lists 250 of its 251 commits"],
] as const)("of %i commits, in %i pages", async (count, pages, incomplete) => {
  await using world = await edgeWorld();
  const number = openWith(world, count);
  const told = await world.host.authorship(number);
  const logins = new Set(told.accounts.map(({ login }) => login));
  expect(told.incomplete).toBe(incomplete);
  expect([...logins].sort()).toEqual(incomplete === null ? ["hubot", "monalisa", "octocat"] : ["hubot", "octocat"]);
  expect(told.accounts.every(({ id }) => id !== null)).toBe(true);
  expect(commitRequests(world)).toBe(pages);
});

test("commits are asked for once for each head, and its author each time", async () => {
  await using world = await edgeWorld();
  const number = openWith(world, 2);
  for (let time = 0; time < 3; time++) await world.host.authorship(number);
  expect(commitRequests(world)).toBe(1);
  world.github.push(number, { y: "1\n" }, "dependabot[bot]");
  const { accounts } = await world.host.authorship(number);
  expect(accounts.map(({ login }) => login)).toContain("dependabot[bot]");
  expect(commitRequests(world)).toBe(2);
  world.github.renameUser("hubot", "hubot-the-second");
  expect((await world.host.authorship(number)).accounts[0]?.login).toBe("hubot-the-second");
  expect(commitRequests(world)).toBe(2);
});

test("a list that is cut short is incomplete, and one that cannot be read is an error", async () => {
  await using world = await edgeWorld();
  const number = openWith(world, 101);
  const cut = world.github.faults.add(/pulls\/\d+\/commits.*page=2/, { kind: "status", status: 404 });
  expect(await refusalOf(world.host.authorship(number))).toMatchObject({ code: "LK8003" });
  cut.remove();
  const host = world.open().host;
  world.github.faults.add(/pulls\/\d+\/commits/, { kind: "one-page" });
  expect((await host.authorship(number)).incomplete).toContain("GitHub lists 100 of its 101 commits");
});

test.each([
  ["an address of the same account under an older login", "ID+old-login@users.noreply.github.com", ["monalisa"]],
  ["an address from before ids", "monalisa@users.noreply.github.com", ["monalisa"]],
  ["an enterprise server's address", "ID+monalisa@users.noreply.git.example.com", ["monalisa"]],
  ["somebody's own address, which says nothing", "mona@example.com", []],
])("co-authors: %s", async (_, address, found) => {
  await using world = await edgeWorld();
  const { github } = world;
  const id = idOf(github, "monalisa");
  const email = address.replace("ID", String(id));
  github.commit({
    branch: "co",
    changes: { z: "1\n" },
    message: `Z\n\nco-authored-by: Mona <${email}>\r\nSigned-off-by: x`,
  });
  const { number } = github.openPullRequest({ branch: "co" });
  const { accounts, incomplete } = await world.host.authorship(number);
  const mona = accounts.filter(({ login, id: known }) => known === id || login === "monalisa");
  expect(incomplete).toBeNull();
  expect(mona.map(() => "monalisa")).toEqual(found);
});
