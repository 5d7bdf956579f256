import { readFileSync } from "node:fs";
import { join } from "node:path";
import { verify } from "@octokit/webhooks-methods";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCheckedGitHub } from "../../../standins/github/openapi/start-checked.ts";
import { type Receiver, startReceiver } from "../../../standins/github/receiver.ts";
import type { GitHubFacade } from "../../../standins/github/start.ts";

let github: GitHubFacade;
let receiver: Receiver;

beforeEach(async () => {
  github = await startCheckedGitHub();
  receiver = await startReceiver();
  github.webhooks.to(receiver.url);
});

afterEach(async () => {
  await github.stop();
  await receiver.stop();
});

const names = (): readonly string[] =>
  receiver.received.map(({ event, body }) => [event, JSON.parse(body).action].filter(Boolean).join("."));

/** What people do in the life of a pull request. */
function life(): void {
  const { number } = github.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" }, branch: "a" });
  github.push(number, { "labs/b.yaml": "b: 1\n" });
  const { id } = github.comment(number, "/lab help");
  github.editComment(id, "/lab status");
  github.deleteComment(id);
  github.edit(number, { title: "Another" });
  github.close(number);
  github.reopen(number);
  github.merge(number);
}

test("every step of a pull request is delivered in its order, signed", async () => {
  life();
  await github.webhooks.settled();
  expect(names()).toEqual([
    "ping",
    "push",
    "pull_request.opened",
    "push",
    "pull_request.synchronize",
    "issue_comment.created",
    "issue_comment.edited",
    "issue_comment.deleted",
    "pull_request.edited",
    "pull_request.closed",
    "pull_request.reopened",
    "push",
    "pull_request.closed",
  ]);
  for (const { body, signature } of receiver.received) {
    expect(await verify(github.app.webhookSecret, body, signature)).toBe(true);
    expect(await verify("another secret", body, signature)).toBe(false);
  }
  const push = JSON.parse(receiver.received.at(-2)?.body ?? "");
  expect(push).toMatchObject({ ref: "refs/heads/main", after: github.branch("main"), forced: false });
  expect(push.head_commit).toMatchObject({ id: github.branch("main"), added: ["labs/a.yaml", "labs/b.yaml"] });
});

/** The places that an example has and a body has not; below null, and in lists, nothing is compared. */
function missing(example: unknown, body: unknown, at = ""): readonly string[] {
  if (body === undefined) return [at];
  if (body === null || Array.isArray(example) || typeof example !== "object" || example === null) return [];
  return Object.entries(example).flatMap(([key, inner]) => missing(inner, Object(body)[key], `${at}.${key}`));
}

test("the bodies have what GitHub's own examples have", async () => {
  life();
  await github.webhooks.settled();
  const file = join(import.meta.dirname, "../../../standins/github/openapi/webhook-examples.json");
  const { examples } = JSON.parse(readFileSync(file, "utf8"));
  expect(Object.keys(examples)).toHaveLength(3);
  for (const [name, example] of Object.entries(examples)) {
    const [event, action] = name.split(" ");
    const bodies = receiver.received.filter((one) => one.event === event).map(({ body }) => JSON.parse(body));
    const own = bodies.find((body) => body.action === action);
    expect(missing(example, own)).toEqual([]);
  }
});

test("deliveries are lost, doubled, late and out of order when a test wants them to be", async () => {
  github.webhooks.lose(1, "pull_request");
  github.webhooks.duplicate(1, "issue_comment");
  const { number } = github.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" } });
  github.comment(number, "first");
  await github.webhooks.settled();
  expect(names()).toEqual(["ping", "push", "issue_comment.created", "issue_comment.created"]);
  expect(receiver.received.at(-1)?.id).toBe(receiver.received.at(-2)?.id);

  github.webhooks.hold();
  github.comment(number, "second");
  github.close(number);
  await github.webhooks.settled();
  expect(names()).toHaveLength(4);
  github.webhooks.release({ reversed: true });
  await github.webhooks.settled();
  expect(names().slice(4)).toEqual(["pull_request.closed", "issue_comment.created"]);
});

test("what a receiver answers is kept, and a delivery can be made again", async () => {
  receiver.answer(500);
  github.commit({ changes: { "labs/a.yaml": "a: 1\n" } });
  await github.webhooks.settled();
  const push = github.webhooks.deliveries.at(-1);
  expect(push?.statuses).toEqual([500]);
  receiver.answer(202);
  github.webhooks.redeliver(push?.id ?? "");
  await github.webhooks.settled();
  expect(push?.statuses).toEqual([500, 202]);
});

test("only what the App listens to is delivered", async () => {
  github.setAppEvents(["push"]);
  github.openPullRequest({ changes: { "labs/a.yaml": "a: 1\n" } });
  await github.webhooks.settled();
  expect(names()).toEqual(["ping", "push"]);
});
