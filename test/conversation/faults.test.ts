/** GitHub breaks, lies and forgets; labs go on, and in the end there is exactly one comment and it is right. */

import { expect, test, vi } from "vitest";
import { gone, lab, labs } from "../promises/files.ts";
import { talkingWorld } from "./talking-world.ts";

test("labs do not wait for GitHub: while it is gone they come up, and it is told afterwards", async () => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const number = h.open(lab("one"));
  await h.talk();
  h.github.merge(number);
  h.github.faults.add(/\/repos\//, { kind: "status", status: 503 });
  await h.turn().catch(() => undefined);
  expect(await h.w.states()).toEqual({ one: "ready", other: "ready" });
  expect(h.comment(number)).not.toMatch(/✅ \*\*ready/);
  h.github.faults.clear();
  // Failed reports wait a little longer each time.
  h.w.later(0.5);
  await h.turn();
  expect(h.comment(number)).toMatch(/\*\*ready/);
});

test("a destroy waits while GitHub cannot say that its plan was merged, and goes through by itself when it can", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"]) });
  await h.turn();
  const number = h.open(gone("one"));
  await h.talk();
  h.github.merge(number);
  h.github.faults.add(/\/repos\//, { kind: "status", status: 404 });
  await h.turn().catch(() => undefined);
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await h.w.holds()).toMatchObject([{ guard: "unreviewed-destroy" }]);
  h.github.faults.clear();
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  expect(await h.w.holds()).toEqual([]);
});

test.each([
  ["the answer is lost after the comment was made", { kind: "lost" } as const],
  ["the connection breaks before it is made", { kind: "reset" } as const],
  ["GitHub fails", { kind: "status", status: 502 } as const],
  ["GitHub asks to go slower", { kind: "secondary-limit", retryAfter: 1 } as const],
])("there is exactly one comment when %s", async (_, fault) => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const number = h.open(lab("one"));
  const handle = h.github.faults.add(/^POST .*\/issues\/\d+\/comments/, fault, 1);
  await h.talk();
  expect(handle.hits).toBe(1);
  // How long GitHub asked to wait passes by the real clock.
  await vi.waitFor(
    async () => {
      h.w.later(0.5);
      await h.talk();
      expect(h.comments(number).length).toBe(1);
    },
    { timeout: 30_000, interval: 100 },
  );
  expect(h.comment(number)).toContain("one");
});

test("a comment that was deleted is made again, once", async () => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const number = h.open(lab("one"));
  await h.talk();
  const [comment] = h.github.comments(number);
  h.github.deleteComment(comment?.id ?? 0);
  h.github.merge(number);
  await h.turn();
  expect(h.comments(number).length).toBe(1);
  expect(h.comment(number)).toMatch(/\*\*ready/);
});

test("somebody else's comment with the marker is not labkeeper's, and is left alone", async () => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const number = h.open(lab("one"));
  const forged = h.github.comment(number, "<!-- labkeeper:pull-request -->\nall labs are fine", "stranger");
  await h.talk();
  expect(h.comments(number).length).toBe(1);
  expect(h.github.comments(number).find(({ id }) => id === forged.id)?.body).toContain("all labs are fine");
});

test("two comments of its own, by two processes at once, become one again", async () => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const number = h.open(lab("one"));
  await h.talk();
  await h.edge.host.createComment(number, h.comment(number));
  // The process that recorded its comment is gone, and with it what it knew.
  await h.w.sql("update reports set remote_id = null, sent_digest = null, wanted = true where kind = 'comment'");
  await h.tell();
  expect(h.comments(number).length).toBe(1);
});

test("a locked conversation keeps nobody else's from being told, and is told once it is open again", async () => {
  await using h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const [locked, open] = [h.open(lab("one")), h.open(lab("two"))];
  h.github.setLocked(locked, true);
  h.github.faults.add(new RegExp(`^POST .*/issues/${locked}/comments`), { kind: "status", status: 403 }, 2);
  await h.talk();
  expect(h.comments(locked)).toEqual([]);
  expect(h.comments(open).length).toBe(1);
  h.github.setLocked(locked, false);
  h.github.faults.clear();
  h.w.later(1);
  await h.talk();
  expect(h.comments(locked).length).toBe(1);
});

test("an answer with only its first page takes nothing away", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"]) });
  await h.turn();
  const number = h.open(gone("one"));
  await h.talk();
  h.github.faults.add(/\/pulls\?/, { kind: "empty" });
  await h.turn().catch(() => undefined);
  h.github.faults.clear();
  await h.talk();
  h.github.merge(number);
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  expect(h.comments(number).length).toBe(1);
});
