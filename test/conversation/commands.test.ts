/** Who is heard, who is refused, and what commands do. */

import { expect, test } from "vitest";
import { gone, lab, labs } from "../promises/files.ts";
import { type TalkingOptions, type TalkingWorld, talkingWorld } from "./talking-world.ts";

const TEAMS: TalkingOptions = {
  teams: [{ name: "team-a", githubTeam: "octo-org/team-a" }],
  files: labs(["one", "two"]),
};

async function withPullRequest(options: TalkingOptions = TEAMS): Promise<{ h: TalkingWorld; number: number }> {
  const h = await talkingWorld(options);
  await h.turn();
  const number = h.open(lab("three"));
  await h.talk();
  return { h, number };
}

const commandsOf = (h: TalkingWorld) =>
  h.w.sql<{ author: string; command: string; state: string; answer: string }>(
    "select author, command, state, answer from comment_commands order by comment_id",
  );

test("quotes, code, edited comments, bots, labkeeper itself and outsiders are ignored", async () => {
  const { h, number } = await withPullRequest();
  await using _ = h;
  h.github.setPermission("octocat", "write");
  h.github.comment(number, "> /lab cancel one", "octocat");
  h.github.comment(number, "```\n/lab cancel one\n```", "octocat");
  h.github.comment(number, "    /lab cancel one", "octocat");
  const edited = h.github.comment(number, "nothing", "octocat");
  h.github.clock.advance(1000);
  h.github.editComment(edited.id, "/lab cancel one");
  h.github.comment(number, "/lab cancel one", "stranger");
  h.github.comment(number, "/lab help", "stranger");
  const { host } = h.edge;
  await host.createComment(number, "/lab cancel one");
  await h.turn();
  expect(await commandsOf(h)).toEqual([]);
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(h.failures).toEqual([]);
});

test("an owner cancels, retries and looks; a member of the team may too; another insider is refused and told who may", async () => {
  const { h, number } = await withPullRequest();
  await using _ = h;
  for (const login of ["octocat", "monalisa", "hubot"]) h.github.setPermission(login, "write");
  h.github.addTeamMember("team-a", "monalisa");
  h.github.setOrganizationMember("hubot", true);
  h.github.comment(number, "/lab cancel one", "hubot");
  await h.turn();
  expect((await commandsOf(h))[0]).toMatchObject({
    state: "refused",
    answer: expect.stringContaining("octo-org/team-a"),
  });
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(
    h.github
      .comments(number)
      .at(-1)
      ?.reactions.map(({ content }) => content),
  ).toEqual(["confused"]);

  h.github.comment(number, "/lab status one", "monalisa");
  h.github.comment(number, "/lab cancel one", "monalisa");
  await h.turn();
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  const [, status, cancel] = await commandsOf(h);
  expect(status).toMatchObject({ state: "done", answer: expect.stringContaining("ready") });
  expect(cancel).toMatchObject({ state: "done", answer: expect.stringContaining("one") });
  expect(h.comment(number)).toContain("/lab cancel one");
  expect((await h.w.events("one")).find(({ type }) => type === "destroy.requested")?.actor).toBe("github:monalisa");
  // Each was answered by one reaction and in the one comment, never by a comment of its own.
  expect(h.comments(number).length).toBe(1);
});

test("a command is carried out once, whatever is delivered twice or asked again after a crash", async () => {
  const { h, number } = await withPullRequest();
  await using _ = h;
  h.github.setPermission("octocat", "write");
  h.github.comment(number, "/lab cancel one", "octocat");
  await h.talk();
  await h.w.sql("update host_cursors set value = value - interval '1 hour' where name = 'comments'");
  await h.talk();
  await h.turn();
  expect((await commandsOf(h)).length).toBe(1);
  expect((await h.w.events("one")).filter(({ type }) => type === "destroy.requested").length).toBe(1);
});

test("while GitHub does not say who is in a team, the command waits; it is decided when GitHub answers", async () => {
  const { h, number } = await withPullRequest();
  await using _ = h;
  h.github.setPermission("monalisa", "write");
  h.github.addTeamMember("team-a", "monalisa");
  h.github.faults.add(/memberships/, { kind: "status", status: 502 });
  h.github.comment(number, "/lab cancel one", "monalisa");
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  h.github.faults.clear();
  await h.turn();
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
});

test("rights come from the merged catalog, not from what a pull request would make of it", async () => {
  const { h } = await withPullRequest();
  await using _ = h;
  h.github.setPermission("hubot", "write");
  h.github.setOrganizationMember("hubot", true);
  const catalog = (h.github.file("catalog.yaml") ?? "").replace("{", '{"roles":{"operators":["hubot"]},');
  const number = h.open({ "catalog.yaml": catalog, ...gone("two") });
  await h.talk();
  expect(h.comment(number)).toMatch(/roles/);
  h.github.comment(number, "/lab cancel one", "hubot");
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "two"]);
});
