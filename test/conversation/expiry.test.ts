/** Before a lab expires: a comment, and a pull request that would remove its file; merged, extended, or ignored. */

import { expect, test } from "vitest";
import { lab, labPath, labs, labText } from "../promises/files.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

const own = (h: TalkingWorld) => h.github.pullRequests().filter(({ head }) => head.ref.startsWith("labkeeper/"));

/** A lab of 24 h that came by a pull request, brought to an hour before its end; its warning is two hours. */
async function nearItsEnd(): Promise<{ readonly h: TalkingWorld; readonly number: number; readonly request: number }> {
  const h = await talkingWorld({
    files: lab("other", { spec: { ttlHours: 168 } }),
    profiles: { quick: { lifecycle: { deletionGraceHours: 4 } } },
  });
  h.github.setPermission("octocat", "write");
  await h.turn();
  const asPeopleWrite = labText("one").replace(/^spec: .*$/m, "spec:\n  profile: quick # small");
  const number = h.open({ [labPath("one")]: asPeopleWrite });
  await h.talk();
  h.github.merge(number);
  await h.turn();
  expect(own(h)).toEqual([]);
  h.w.later(23);
  await h.turn();
  const [request, ...more] = own(h);
  if (request === undefined || more.length > 0) throw new Error("not exactly one pull request of labkeeper's own");
  return { h, number, request: request.number };
}

test("the owner is told once, in a comment of its own, with the pull request that would remove the file", async () => {
  const { h, number, request } = await nearItsEnd();
  await using _ = h;
  expect(h.github.pullRequest(request)).toMatchObject({ title: expect.stringContaining("one"), state: "open" });
  const told = h.comments(number).filter((body) => body.includes("labkeeper:expiry"));
  expect(told.length).toBe(1);
  expect(told[0]).toContain(`#${request}`.slice(1));
  for (let round = 0; round < 3; round++) await h.turn();
  expect(own(h).length).toBe(1);
  expect(h.comments(number).length).toBe(2);
  expect(h.failures).toEqual([]);
});

test("merging it destroys now, without the grace that a removed file has otherwise", async () => {
  const { h, request } = await nearItsEnd();
  await using _ = h;
  await h.talk();
  h.github.merge(request);
  await h.turn();
  expect(await h.w.existing()).toEqual(["other"]);
  expect(h.github.file(labPath("one"))).toBeNull();
  expect(await h.w.holds()).toEqual([]);
});

test("ignoring it destroys on time, and merging it then only tidies the file", async () => {
  const { h, request } = await nearItsEnd();
  await using _ = h;
  h.w.later(2);
  await h.turn();
  expect(await h.w.existing()).toEqual(["other"]);
  expect(h.github.pullRequest(request).state).toBe("open");
  h.github.merge(request);
  await h.turn();
  expect(await h.w.existing()).toEqual(["other"]);
  expect(await h.w.states()).toEqual({ other: "ready" });
  expect(await h.w.holds()).toEqual([]);
});

test("/lab extend opens a pull request that gives it more hours; merged, the lab lives on and the other is closed", async () => {
  const { h, number, request } = await nearItsEnd();
  await using _ = h;
  h.github.comment(number, "/lab extend one 8h", "octocat");
  await h.talk();
  const extension = own(h).find(({ head }) => head.ref.includes("/extend/"));
  expect(extension).toBeDefined();
  const extend = extension?.number ?? 0;
  expect(h.comment(number)).toMatch(/ttlHours to 32/);
  expect(h.github.pullRequest(extend).body).toContain("octocat");
  // Asked again, or by somebody in another process: the same one.
  h.github.comment(number, "/lab extend one 8h", "octocat");
  await h.talk();
  expect(own(h).length).toBe(2);

  h.github.merge(extend);
  await h.turn();
  expect(h.github.file(labPath("one"))).toContain("  ttlHours: 32\n  profile: quick # small");
  h.w.later(2);
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "other"]);
  expect(h.github.pullRequest(request).state).toBe("closed");
});

test("/lab extend says what is the most, and /lab destroy proposes to remove the file", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"], { spec: { ttlHours: 160 } }) });
  h.github.setPermission("octocat", "write");
  await h.turn();
  const number = h.open(lab("three"));
  await h.talk();
  h.github.comment(number, "/lab extend one 9h", "octocat");
  await h.talk();
  expect(h.comment(number)).toMatch(/168 h by its profile/);
  expect(h.comment(number)).toMatch(/extend one 8h/);
  h.github.comment(number, "/lab destroy one", "octocat");
  await h.talk();
  const [removal] = own(h);
  expect(removal?.head.ref).toContain("/destroy/");
  expect(await h.w.existing()).toEqual(["one", "two"]);
  await h.talk();
  h.github.merge(removal?.number ?? 0);
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  expect(h.failures).toEqual([]);
});
