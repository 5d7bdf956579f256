/**
 * Somebody answers in GitHub's place: every address in an answer, every redirect and every next page leads to another
 * host. That host is never asked, whatever is done, and no token reaches it. Neither do addresses in a webhook's body.
 */

import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import type { Github } from "../../src/github/host.ts";
import type { GithubSettings } from "../../src/github/settings.ts";
import { webhookHandler } from "../../src/github/webhook.ts";
import { asToken, type EdgeWorld, edgeWorld } from "../github/edge-world.ts";

const listening = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What the man in the middle answers, who may ask GitHub. */
type Lie = (genuine: () => Promise<Told>, path: string) => Promise<Told>;

let world: EdgeWorld;
let middle: Awaited<ReturnType<typeof listening>>;
let trap: Awaited<ReturnType<typeof listening>>;
let trapped: string[] = [];
let asked: string[] = [];
let lie: Lie;

const through = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const [method, path] = [request.method ?? "GET", request.url ?? "/"];
  asked.push(`${method} ${path}`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { host: _, connection: __, "content-length": ___, ...given } = request.headers;
  const genuine = async (): Promise<Told> => {
    const answer = await fetch(world.github.apiUrl + path, {
      method,
      headers: given as Record<string, string>,
      redirect: "manual",
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    });
    return { status: answer.status, headers: {}, text: await answer.text() };
  };
  const { status, headers, text } = await lie(genuine, path);
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(status === 204 || status === 304 ? undefined : text);
};

beforeAll(async () => {
  world = await edgeWorld();
  world.github.openPullRequest({ changes: { "labs/team-a/one.yaml": "a: 1\n" } });
  world.github.comment(1, "/lab status", "monalisa");
  trap = await listening((request, response) => {
    trapped.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
    response.end("{}");
  });
  middle = await listening((request, response) => {
    through(request, response).catch(() => response.destroy());
  });
});
afterAll(async () => {
  await middle.close();
  await trap.close();
  await world[Symbol.asyncDispose]();
});
beforeEach(() => {
  trapped = [];
  asked = [];
});

/** By somebody's token, which is sent with every request; as the App, the edge asks for one first. */
const open = (as: Partial<GithubSettings> = asToken(world.github.token)): Github =>
  world.open({ apiUrl: middle.url, ...as });

const SHA = "4f1c".repeat(10);
const DRAFT = {
  branch: "labkeeper/x",
  base: "main",
  path: "labs/team-a/one.yaml",
  content: null,
  blobOid: SHA,
  commitMessage: "x",
  title: "x",
  body: "x",
};
/** What each call is given; others get the number of a pull request. */
const GIVEN: Readonly<Record<string, readonly unknown[]>> = {
  self: [],
  openPullRequests: ["main"],
  endedPullRequests: ["main", new Date(0)],
  pullRequestsFrom: ["patch-1"],
  pullRequestFrom: ["patch-1"],
  commentsSince: [new Date(0)],
  createComment: [1, "words"],
  editComment: [1, "words"],
  react: [1, "+1"],
  putCheck: [
    { name: "x", commit: SHA, externalId: "x", conclusion: "success", title: "x", summary: "x", annotations: [] },
    null,
  ],
  putStatus: [{ commit: SHA, context: "x", state: "success", description: "x", url: null }],
  openRequest: [DRAFT],
  isTeamMember: ["octo-org", "team-a", "octocat"],
  permission: ["octocat"],
};

/** Everything that the edge can do, each with its own memory; answers by name how it ended. */
async function everything(): Promise<Record<string, string>> {
  const ended: Record<string, string> = {};
  const calls = (github: Github): [string, () => Promise<unknown>][] => [
    ...Object.entries(github.host).flatMap(([name, call]): [string, () => Promise<unknown>][] =>
      typeof call === "function"
        ? [[name, () => (call as (...given: unknown[]) => Promise<unknown>)(...(GIVEN[name] ?? [1]))]]
        : [],
    ),
    ["gitToken", () => github.gitToken()],
    ["standing", () => github.standing()],
  ];
  for (const [name] of calls(open())) {
    const call = calls(open()).find(([other]) => other === name)?.[1];
    ended[name] = await (call?.() ?? Promise.reject(new Error("gone"))).then(
      () => "done",
      (error: { readonly code?: string; readonly message: string }) => error.code ?? error.message,
    );
  }
  return ended;
}

describe("in GitHub's place", () => {
  const redirected = async (path: string, status = 307): Promise<Told> => ({
    status,
    headers: { location: trap.url + path },
    text: "",
  });

  test.each([301, 307])("a redirect (%i) of every answer to another host is followed by nothing", async (status) => {
    lie = (_, path) => redirected(path, status);
    const ended = await everything();
    expect(Object.keys(ended).length).toBeGreaterThan(12);
    const { gitToken, ...asking } = ended;
    expect(gitToken).toBe("done");
    for (const [name, how] of Object.entries(asking)) expect(how, name).toMatch(/^LK800[0-9]$/);
    expect(trapped).toEqual([]);
  });

  test("a redirect of all but the App's token gets that token neither", async () => {
    lie = (genuine, path) => (/^\/app|installation/.test(path) ? genuine() : redirected(path));
    const { host } = world.open({ apiUrl: middle.url });
    await expect(host.openPullRequests("main")).rejects.toMatchObject({ code: "LK8003" });
    await expect(host.createComment(1, "words")).rejects.toMatchObject({ code: "LK8003" });
    expect(asked.some((request) => request.includes("/access_tokens"))).toBe(true);
    expect(trapped).toEqual([]);
  });

  test("other addresses in every field and next pages elsewhere change nothing about who is asked", async () => {
    lie = async (genuine, path) => {
      const { status, text } = await genuine();
      const next = `<${trap.url}${path.replace(/([?&])page=1\b/, "$1page=2")}>; rel="next"`;
      return {
        status,
        headers: /[?&]page=1\b/.test(path) ? { link: next } : {},
        text: text.replaceAll(world.github.apiUrl, trap.url).replaceAll(world.github.url, trap.url),
      };
    };
    const ended = await everything();
    expect(ended).toMatchObject({ openPullRequests: "done", comments: "done", self: "done" });
    expect(asked.some((request) => /[?&]page=2\b/.test(request))).toBe(true);
    expect(trapped).toEqual([]);
    await fetch(trap.url);
    expect(trapped).toHaveLength(1);
  });

  test("a list without end is given up", { timeout: 120_000 }, async () => {
    world.github.openPullRequest({ changes: { "labs/team-a/two.yaml": "a: 1\n" }, branch: "patch-2" });
    let pages = 0;
    let first: Record<string, unknown> | null = null;
    lie = async (genuine, path) => {
      if (!/[?&]per_page=100/.test(path)) return await genuine();
      pages += 1;
      first ??= (JSON.parse((await genuine()).text) as Record<string, unknown>[])[0] ?? null;
      const at = Number(/[?&]page=(\d+)/.exec(path)?.[1]);
      const next = path.replace(/([?&])page=\d+/, `$1page=${at + 1}`);
      const moved = { ...first, updated_at: new Date(Date.UTC(2026, 2, 1) + pages * 1_000).toISOString() };
      return { status: 200, headers: { link: `<${trap.url}${next}>; rel="next"` }, text: JSON.stringify([moved]) };
    };
    for (const list of [
      () => open().host.openPullRequests("main"),
      () => open().host.commentsSince(new Date("2026-02-01T00:00:00Z")),
    ]) {
      [pages, first] = [0, null];
      await expect(list()).rejects.toMatchObject({ code: "LK8001", message: expect.stringContaining("without end") });
      expect(pages).toBeLessThanOrEqual(310);
    }
  });
});

test("addresses in a webhook's body are asked by nobody", async () => {
  const scheduled: unknown[][] = [];
  const secret = "facade-webhook-secret";
  const handle = webhookHandler({
    secret: credentials({ webhookSecret: secret }),
    repository: { owner: "octo-org", name: "labs" },
    schedule: (...given) => scheduled.push(given),
    store: { recordDelivery: async () => true, wake: async () => undefined, forgetDeliveries: async () => 0 },
  });
  const url = `${trap.url}/x`;
  const repository = {
    full_name: "octo-org/labs",
    url,
    clone_url: url,
    hooks_url: url,
    archive_url: url,
    git_url: url,
  };
  const pull = { url, diff_url: url, head: { repo: { clone_url: url } } };
  const more = { compare: url, pull_request: pull, comment: { url, issue_url: url }, sender: { type: "User", url } };
  const body = Buffer.from(JSON.stringify({ action: "created", repository, ...more }));
  for (const event of ["push", "pull_request", "issue_comment"]) {
    const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    const headers = {
      "x-github-event": event,
      "x-github-delivery": `delivery-${scheduled.length}`,
      "x-hub-signature-256": signature,
    };
    expect(await handle({ headers, body })).toEqual({ status: 202 });
  }
  expect(scheduled).toEqual([["push"], ["pull_request"], ["issue_comment"]]);
  expect(trapped).toEqual([]);
});
