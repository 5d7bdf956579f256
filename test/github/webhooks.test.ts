import { connect } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { webhookHandler } from "../../src/github/webhook.ts";
import type { WebhookStore } from "../../src/github-ports.ts";
import { startWebServer, type WebServerOptions } from "../../src/web/server.ts";
import { startCheckedGitHub } from "../../standins/github/openapi/start-checked.ts";
import { signed } from "../../standins/github/webhooks.ts";

const SECRET = "facade-webhook-secret";
const REPOSITORY = { owner: "octo-org", name: "labs" };

/** A store in memory that says what became of it, and can be made to fail. */
const memory = () => {
  const seen = new Map<string, string>();
  const state = { seen, woken: 0, broken: false };
  const store: WebhookStore = {
    recordDelivery: async (id, event) => {
      if (state.broken) throw new Error("database is gone");
      if (seen.has(id)) return false;
      seen.set(id, event);
      return true;
    },
    wake: async () => {
      state.woken += 1;
    },
    forgetDeliveries: async () => 0,
  };
  return { state, store };
};

const receiver = async (more: Partial<WebServerOptions> = {}) => {
  const { state, store } = memory();
  const scheduled: string[] = [];
  const errors: unknown[] = [];
  const webhook = webhookHandler({
    secret: credentials({ webhookSecret: SECRET }),
    repository: REPOSITORY,
    store,
    schedule: (event) => scheduled.push(event),
  });
  const server = await startWebServer({
    listen: { host: "127.0.0.1", port: 0 },
    webhook,
    healthy: async () => true,
    onError: (error) => errors.push(error),
    ...more,
  });
  return { state, scheduled, errors, webhook, server, [Symbol.asyncDispose]: () => server.close() };
};

const push = (fullName = "octo-org/labs"): string =>
  JSON.stringify({ ref: "refs/heads/main", repository: { full_name: fullName }, sender: { type: "User" } });

const numbers = (function* () {
  for (let number = 1; ; number++) yield String(number).padStart(12, "0");
})();
const headersFor = (body: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  "content-type": "application/json",
  "x-github-event": "push",
  "x-github-delivery": `00000000-0000-4000-8000-${numbers.next().value}`,
  "x-hub-signature-256": signed(body, SECRET),
  ...more,
});

const post = async (url: string, body: string, headers = headersFor(body)): Promise<number> => {
  const response = await fetch(`${url}/webhooks/github`, { method: "POST", body, headers });
  await response.arrayBuffer();
  return response.status;
};

/** What a raw connection is answered until it ends. */
const raw = async (url: string, ...pieces: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    let heard = "";
    const socket = connect(Number(port), hostname, () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on("data", (data) => {
      heard += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(heard));
  });

describe("deliveries of GitHub", () => {
  test("schedule, whatever happens to the catalog's pull requests", async () => {
    await using receiving = await receiver();
    const github = await startCheckedGitHub();
    github.webhooks.to(`${receiving.server.url}/webhooks/github`);
    github.openPullRequest({ changes: { "labs/team-a/one.yaml": "a: 1\n" } });
    github.comment(1, "/lab status", "monalisa");
    github.merge(1);
    await github.webhooks.settled();
    const answers = github.webhooks.deliveries.map(({ statuses }) => statuses);
    expect(answers.length).toBeGreaterThan(4);
    expect(new Set(answers.flat())).toEqual(new Set([202]));
    expect(new Set(receiving.scheduled)).toEqual(new Set(["push", "pull_request", "issue_comment"]));
    expect(receiving.state.woken).toBe(receiving.scheduled.length);
    await github.stop();
  });

  test("schedule once, however often they are made", async () => {
    await using receiving = await receiver();
    const github = await startCheckedGitHub();
    github.webhooks.to(`${receiving.server.url}/webhooks/github`);
    github.webhooks.duplicate(1, "push");
    github.commit({ changes: { "labs/team-a/one.yaml": "a: 1\n" } });
    await github.webhooks.settled();
    const { id } = github.webhooks.deliveries.find(({ event }) => event === "push")!;
    github.webhooks.redeliver(id);
    await github.webhooks.settled();
    expect(github.webhooks.deliveries.find((each) => each.id === id)?.statuses).toEqual([202, 202, 202]);
    expect(receiving.scheduled).toEqual(["push"]);
    await github.stop();
  });

  test("of labkeeper's own comments, edits and deletions schedule nothing", async () => {
    await using receiving = await receiver();
    const body = (action: string, type: string): string =>
      JSON.stringify({ action, repository: { full_name: "octo-org/labs" }, sender: { type } });
    for (const [action, type] of [
      ["created", "Bot"],
      ["edited", "User"],
      ["deleted", "User"],
    ] as const) {
      const text = body(action, type);
      expect(await post(receiving.server.url, text, headersFor(text, { "x-github-event": "issue_comment" }))).toBe(202);
    }
    expect(receiving.scheduled).toEqual([]);
  });

  test("of another repository are refused, and its name does not have to be in our case", async () => {
    await using receiving = await receiver();
    for (const name of ["octo-org/other", "other/labs", "octo-org/labs2", "octo-org/labs/labs"]) {
      expect(await post(receiving.server.url, push(name))).toBe(403);
    }
    expect(receiving.scheduled).toEqual([]);
    expect(await post(receiving.server.url, push("Octo-Org/Labs"))).toBe(202);
    expect(receiving.scheduled).toEqual(["push"]);
  });

  test("of events that nobody asked for are accepted and forgotten", async () => {
    await using receiving = await receiver();
    for (const event of ["ping", "star", "installation_repositories"]) {
      const body = JSON.stringify({ zen: "…" });
      expect(await post(receiving.server.url, body, headersFor(body, { "x-github-event": event }))).toBe(202);
    }
    expect(receiving.state.seen.size).toBe(0);
  });

  test("that cannot be noted are asked for again", async () => {
    await using receiving = await receiver();
    receiving.state.broken = true;
    const body = push();
    const headers = headersFor(body);
    expect(await post(receiving.server.url, body, headers)).toBe(503);
    expect(receiving.scheduled).toEqual([]);
    receiving.state.broken = false;
    expect(await post(receiving.server.url, body, headers)).toBe(202);
    expect(receiving.scheduled).toEqual(["push"]);
  });
});

describe("what is not GitHub's", () => {
  test.each([
    ["no signature", { "x-hub-signature-256": "" }],
    ["another secret's", { "x-hub-signature-256": signed(push(), "guess") }],
    ["SHA-1", { "x-hub-signature-256": "sha1=0000000000000000000000000000000000000000" }],
    ["one too short", { "x-hub-signature-256": signed(push(), SECRET).slice(0, -1) }],
    ["one too long", { "x-hub-signature-256": `${signed(push(), SECRET)}0` }],
    ["in capitals", { "x-hub-signature-256": signed(push(), SECRET).toUpperCase() }],
  ])("is refused: %s", async (_, headers) => {
    await using receiving = await receiver();
    expect(await post(receiving.server.url, push(), headersFor(push(), headers))).toBe(401);
    expect(receiving.state.seen.size).toBe(0);
  });

  test("is refused whatever byte of the body or the signature differs", async () => {
    const { state, store } = memory();
    const secret = credentials({ webhookSecret: SECRET });
    const handle = webhookHandler({ secret, repository: REPOSITORY, store, schedule: () => undefined });
    const body = Buffer.from(push());
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const other = Buffer.from(body);
        other[at] = (other[at] ?? 0) ^ flip;
        expect(await handle({ headers: headersFor(push()), body: other })).toEqual({ status: 401 });
      }),
      { numRuns: 200 },
    );
    expect(state.seen.size).toBe(0);
    expect(await handle({ headers: headersFor(push()), body })).toEqual({ status: 202 });
  });

  test("is refused even when signed, if no GitHub would send it so", async () => {
    await using receiving = await receiver();
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { "x-github-delivery": "" },
      { "x-github-delivery": "x".repeat(65) },
      { "x-github-delivery": "'; drop table webhook_deliveries" },
      { "x-github-event": "" },
      { "x-github-event": "push/../x" },
    ];
    for (const headers of wrong) {
      expect(await post(receiving.server.url, push(), headersFor(push(), headers))).toBe(400);
    }
    for (const body of ["[]", "{", '{"repository":{}}', "null", '"x"']) {
      expect(await post(receiving.server.url, body)).toBe(400);
    }
    expect(receiving.state.seen.size).toBe(0);
  });

  test("reaches neither the log nor an answer", async () => {
    await using receiving = await receiver({
      webhook: async () => {
        throw new Error("inside");
      },
    });
    const response = await fetch(`${receiving.server.url}/webhooks/github`, { method: "POST", body: "hunter2" });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("hunter2");
    expect(receiving.errors).toEqual([new Error("inside")]);
  });
});

describe("the server", () => {
  test("tells of its health, and of nothing else", async () => {
    let healthy = true;
    await using receiving = await receiver({ healthy: async () => healthy });
    const status = async (path: string, method = "GET") => {
      const response = await fetch(`${receiving.server.url}${path}`, { method });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await status("/healthz")).toBe(200);
    expect(await status("/healthz?verbose=1")).toBe(200);
    healthy = false;
    expect(await status("/healthz")).toBe(503);
    expect(await status("/")).toBe(404);
    expect(await status("/healthz/../webhooks/github/x")).toBe(404);
    expect(await status("/webhooks/github")).toBe(405);
    expect(await status("/healthz", "POST")).toBe(405);
  });

  test("takes no webhooks where no secret is set", async () => {
    await using receiving = await receiver({ webhook: null });
    expect(await post(receiving.server.url, push())).toBe(404);
  });

  test("reads no body that says it is too big, and stops reading one that is", async () => {
    await using receiving = await receiver({ limits: { bodyBytes: 1000 } });
    const head = "POST /webhooks/github HTTP/1.1\r\nHost: x\r\n";
    expect(await raw(receiving.server.url, `${head}Content-Length: 1001\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `200\r\n${"x".repeat(512)}\r\n`;
    expect(await raw(receiving.server.url, `${head}Transfer-Encoding: chunked\r\n\r\n`, chunk, chunk)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
    expect(await post(receiving.server.url, push())).toBe(202);
  });

  test("ends connections that never finish their request", async () => {
    await using receiving = await receiver({ limits: { headersMs: 200, requestMs: 400 } });
    expect(await raw(receiving.server.url, "POST /webhooks/github HTTP/1.1\r\nHost: x\r\n")).toMatch(
      /^HTTP\/1\.1 408 /,
    );
    expect(
      await raw(receiving.server.url, "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf"),
    ).toMatch(/^HTTP\/1\.1 408 |^$/);
    expect(await raw(receiving.server.url, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(receiving.errors).toEqual([]);
    expect(await post(receiving.server.url, push())).toBe(202);
  });

  test("reads only so many bodies at a time", async () => {
    await using receiving = await receiver({ limits: { bodies: 1 } });
    const half = "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    const { hostname, port } = new URL(receiving.server.url);
    const holding = connect(Number(port), hostname);
    holding.on("error", () => undefined);
    holding.write(half);
    await expect.poll(() => post(receiving.server.url, push()), { timeout: 20_000 }).toBe(503);
    holding.destroy();
    await expect.poll(() => post(receiving.server.url, push()), { timeout: 20_000 }).toBe(202);
  });

  test("says which address it cannot have", async () => {
    await using receiving = await receiver();
    const port = Number(new URL(receiving.server.url).port);
    const again = startWebServer({
      listen: { host: "127.0.0.1", port },
      webhook: null,
      healthy: async () => true,
      onError: () => undefined,
    });
    await expect(again).rejects.toMatchObject({ code: "LK7001", message: expect.stringContaining(String(port)) });
  });
});
