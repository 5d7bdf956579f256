/** Pull requests onto other branches are not the catalog's: commands there are declined once, and what goes there is let go. */

import { expect, test } from "vitest";
import { gone, lab, labs } from "../promises/files.ts";
import { plain, shown } from "../pull-requests/hosted-world.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

/** The name of that branch as text that does nothing. */
const OTHER = "<code>other&#96;&#60;b&#62;&#42;</code>";

/** A catalog with a branch beside the one that is followed. */
async function withOther(): Promise<TalkingWorld> {
  const h = await talkingWorld({ files: labs(["one", "two"]) });
  h.github.setPermission("octocat", "write");
  h.github.commit({ branch: "other`<b>*", changes: { "README.md": "other\n" } });
  await h.turn();
  return h;
}

const openOnto = (h: TalkingWorld, base: string) =>
  h.github.openPullRequest({ base, changes: plain(gone("two")), by: "octocat" }).number;

const commandStates = async (h: TalkingWorld) =>
  (await h.w.sql<{ state: string }>("select state from comment_commands order by comment_id")).map(
    ({ state }) => state,
  );

test("a command there does nothing and gets one reply, however often it is looked at", async () => {
  await using h = await withOther();
  const number = openOnto(h, "other`<b>*");
  h.github.comment(number, "/lab cancel one", "octocat");
  h.github.comment(number, "/lab cancel one", "stranger");
  // Whoever looks again has forgotten that it replied: it died before it could record that.
  const answer = h.w.store.answer;
  h.w.store.answer = () => Promise.reject(new Error("the database is gone"));
  await h.turn();
  h.w.store.answer = answer;
  expect(await commandStates(h)).toEqual(["received"]);
  for (let round = 0; round < 2; round++) await h.turn();
  expect(await commandStates(h)).toEqual(["refused"]);
  expect(h.comments(number)).toEqual([expect.stringContaining(`goes to ${OTHER}. Labs follow \`main\``)]);
  expect(await h.w.existing()).toEqual(["one", "two"]);
  h.github.comment(number, "/lab help", "octocat");
  await h.turn();
  expect(h.comments(number).length).toBe(2);
  expect(h.failures.length).toBe(1);
});

test("where no reply may be made there is none, and other commands go on", async () => {
  await using h = await withOther();
  const [other, mine] = [openOnto(h, "other`<b>*"), h.open(lab("three"))];
  await h.talk();
  h.github.comment(other, "/lab cancel one", "octocat");
  h.github.setLocked(other, true);
  h.github.faults.add(new RegExp(`^POST .*/issues/${other}/comments`), { kind: "status", status: 403 });
  h.github.comment(mine, "/lab status one", "octocat");
  await h.turn();
  expect(await commandStates(h)).toEqual(["refused", "done"]);
  expect(h.failures).toEqual([]);
});

test("a pull request that is sent to another branch says so, and its plan counts for nothing any more", async () => {
  await using h = await withOther();
  const number = h.open(gone("two"));
  await h.talk();
  expect(h.comment(number)).toContain("1 to destroy");
  h.github.edit(number, { base: "other`<b>*" });
  await h.talk();
  expect(await h.w.store.openPullRequests()).toEqual([]);
  expect(h.comment(number)).toContain(`Sent to ${OTHER}: nothing happens, for labs follow \`main\``);
  // Merged there, and then somebody pushes what its plan showed.
  h.github.merge(number);
  await h.turn();
  h.push(gone("two"));
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await h.w.holds()).toMatchObject([{ lab: "two", guard: "unreviewed-destroy" }]);
  expect(h.failures).toEqual([]);
});

test("merged there before anybody looked it is no merge into the catalog either", async () => {
  await using h = await withOther();
  const number = h.open(gone("two"));
  await h.talk();
  h.github.edit(number, { base: "other`<b>*" });
  h.github.merge(number);
  h.push(gone("two"));
  await h.turn();
  expect(await h.w.sql("select state, merge_commit from pull_requests")).toEqual([
    { state: "closed", merge_commit: null },
  ]);
  expect(await h.w.existing()).toEqual(["one", "two"]);
});

test("sent back it is planned again, and its merge counts", async () => {
  await using h = await withOther();
  const number = h.open(gone("two"));
  await h.talk();
  h.github.edit(number, { base: "other`<b>*" });
  await h.talk();
  h.github.edit(number, { base: "main" });
  await h.talk();
  expect(shown(await h.reviewed(number))).toEqual(["destroy two"]);
  expect(h.comment(number)).toContain("1 to destroy");
  h.github.merge(number);
  await h.turn();
  expect(await h.w.existing()).toEqual(["one"]);
});

test("one that a list leaves out stays open, and so does one that GitHub shows nobody for a while", async () => {
  await using h = await withOther();
  const number = h.open(gone("two"));
  await h.talk();
  const real = h.deps.host;
  const without = { ...real, openPullRequests: async () => [] };
  h.github.push(number, plain(lab("three")));
  expect((await h.review({ host: without })).reviewed).toEqual([number]);
  const hidden = h.github.faults.add(new RegExp(`pulls/${number}$`), { kind: "status", status: 404 });
  expect(await h.review({ host: without })).toEqual({ reviewed: [], failed: [] });
  expect(hidden.hits).toBe(1);
  expect((await h.w.store.openPullRequests()).map(({ pullRequest }) => pullRequest.number)).toEqual([number]);
});
