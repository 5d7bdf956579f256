import { describe, expect, test } from "vitest";
import { asToken, edgeWorld, refusalOf } from "./edge-world.ts";

const LAB = { "labs/team-a/one.yaml": "a: 1\n" };

describe("comments", () => {
  test("are made, found with their author, edited, reacted to and deleted", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    const id = await world.host.createComment(number, "first words");
    world.github.comment(number, "/lab status", "monalisa");
    await world.host.editComment(id, "other words");
    const seen = await world.host.comments(number);
    expect(seen.map(({ author, byBot, body, pullRequest }) => [author, byBot, body, pullRequest])).toEqual([
      [world.github.app.login, true, "other words", number],
      ["monalisa", false, "/lab status", number],
    ]);
    await world.host.react(seen[1]!.id, "eyes");
    await world.host.react(seen[1]!.id, "eyes");
    await world.host.deleteComment(id);
    expect(world.github.comments(number).map(({ body }) => body)).toEqual(["/lab status"]);
    expect(await refusalOf(world.host.editComment(id, "too late"))).toMatchObject({ code: "LK8003" });
  });

  test("are read to the last page, a hundred at a time", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    for (let count = 0; count < 205; count++) world.github.comment(number, `comment ${count}`);
    expect((await world.host.comments(number)).map(({ body }) => body)).toEqual(
      Array.from({ length: 205 }, (_, count) => `comment ${count}`),
    );
    expect(world.github.requests.filter(({ path }) => path.includes("/comments")).length).toBe(3);
  });

  test("are not transferred again when nothing changed", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    world.github.comment(number, "one");
    const first = await world.host.comments(number);
    expect(await world.host.comments(number)).toEqual(first);
    expect(world.github.requests.at(-1)).toMatchObject({ conditional: true, status: 304 });
    world.github.comment(number, "two");
    expect((await world.host.comments(number)).map(({ body }) => body)).toEqual(["one", "two"]);
  });

  test("since a time are those of all pull requests, oldest change first, however many and however they move", async () => {
    let now = Date.parse("2026-03-01T00:00:00Z");
    await using world = await edgeWorld({ now: () => now });
    const { number } = world.github.openPullRequest({ changes: LAB });
    const other = world.github.openPullRequest({ changes: { "labs/team-a/two.yaml": "a: 2\n" } });
    world.github.comment(number, "before");
    now += 60_000;
    const since = new Date(now);
    const ids: number[] = [];
    for (let count = 0; count < 230; count++) {
      now += count % 50 === 0 ? 1000 : 0;
      ids.push(world.github.comment(count % 2 === 0 ? number : other.number, `comment ${count}`).id);
    }
    now += 1000;
    // Between the first and the second page one of the first is edited, so that all that follow move up by one.
    const first = `since=${encodeURIComponent(since.toISOString().replace(".000", ""))}&per_page=100&page=1$`;
    const held = world.github.faults.add(new RegExp(`issues/comments\\?(?!.*${first})`), { kind: "hold" }, 1);
    const asked = world.host.commentsSince(since);
    asked.catch(() => null);
    await expect.poll(() => held.hits, { timeout: 20_000 }).toBe(1);
    world.github.editComment(ids[3]!, "edited");
    held.release();
    const found = await asked;
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(ids));
    expect(found.at(-1)).toMatchObject({ id: ids[3], body: "edited" });
  });

  test("whose answer is lost are there once, and their number is found", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    world.github.comment(number, "the plan", "mallory");
    world.github.faults.add(/POST .*\/comments/, { kind: "lost" }, 1);
    const id = await world.host.createComment(number, "the plan");
    const mine = world.github.comments(number).filter(({ author }) => author.login === world.github.app.login);
    expect(mine.map((comment) => comment.id)).toEqual([id]);
  });

  test("that were not made are not found in an older one, or another's, with the same words", async () => {
    let now = Date.parse("2026-03-01T00:00:00Z");
    await using world = await edgeWorld({ now: () => now });
    const { number } = world.github.openPullRequest({ changes: LAB });
    await world.host.createComment(number, "again");
    now += 3_000_000;
    await world.host.self();
    await world.host.comments(number);
    world.github.comment(number, "again", "mallory");
    world.github.faults.add(/POST .*\/comments/, { kind: "reset" }, 1);
    expect(await refusalOf(world.host.createComment(number, "again"))).toMatchObject({ code: "LK8001" });
  });

  test.each([500, 502, 503])("answered %i are not sent twice", async (status) => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    const fault = world.github.faults.add(/POST .*\/comments/, { kind: "status", status });
    expect(await refusalOf(world.host.createComment(number, "words"))).toMatchObject({
      code: "LK8001",
      message: expect.stringMatching(
        new RegExp(`POST /api/v3/repos/octo-org/labs/issues/${number}/comments.* ${status}`),
      ),
    });
    expect(fault.hits).toBe(1);
  });

  test("in a locked conversation are refused, with what to do", async () => {
    await using world = await edgeWorld();
    const { number } = world.github.openPullRequest({ changes: LAB });
    world.github.setLocked(number, true);
    const edge = world.open(asToken(world.github.createToken("monalisa")));
    world.github.setPermission("monalisa", "read");
    await expect(edge.host.createComment(number, "words")).rejects.toMatchObject({
      code: "LK8002",
      remedy: expect.stringContaining("Unlock"),
    });
  });
});
