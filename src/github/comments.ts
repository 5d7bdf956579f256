import { LabkeeperError } from "../errors.ts";
import type { CommentHost, HostComment, HostIdentity } from "../github-ports.ts";
import { endless, type GithubClient, MOST_PAGES } from "./client.ts";
import { GHOST } from "./pull-requests.ts";
import { anything, fields, instant, list, nullable, type Shape, text, whole } from "./shape.ts";

const FIELDS = fields({
  id: whole,
  html_url: text,
  issue_url: text,
  user: nullable(fields({ login: text, id: whole, type: text })),
  performed_via_github_app: nullable(fields({ id: whole })),
  author_association: text,
  body: nullable(text),
  created_at: instant,
  updated_at: instant,
});

/** A comment of an issue or a pull request; `plain` when it is an issue's. */
const comment: Shape<HostComment & { readonly plain: boolean }> = (value, at) => {
  const given = FIELDS(value, at);
  const issue = whole(Number(/\/(\d+)$/.exec(given.issue_url)?.[1]), `${at}.issue_url`);
  return {
    id: given.id,
    url: given.html_url,
    pullRequest: issue,
    author: given.user?.login ?? GHOST,
    authorId: given.user?.id ?? null,
    // A program that acts with a person's token says so; what it writes was not typed by that person.
    byBot: given.user?.type !== "User" || given.performed_via_github_app !== null,
    association: given.author_association,
    body: given.body ?? "",
    createdAt: given.created_at,
    updatedAt: given.updated_at,
    plain: !new RegExp(`/pull/${issue}#`).test(given.html_url),
  };
};

const bare = ({ plain: _, ...rest }: HostComment & { readonly plain: boolean }): HostComment => rest;

const OF_ONE = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments";
const OF_ALL = "GET /repos/{owner}/{repo}/issues/comments";
const CREATE = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments";
const ONE = "/repos/{owner}/{repo}/issues/comments/{comment_id}";
const ID = fields({ id: whole });

/** How far GitHub's clock may be from what `Date` headers said. */
const CLOCK_MS = 120_000;

/** GitHub's times have no fraction, neither those it gives nor those it takes. */
const wholeSecond = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);

const sameText = (one: string, other: string): boolean =>
  one.replaceAll("\r\n", "\n").trim() === other.replaceAll("\r\n", "\n").trim();

export const githubComments = (
  client: GithubClient,
  self: (signal?: AbortSignal) => Promise<HostIdentity>,
): CommentHost => {
  const comments: CommentHost["comments"] = async (pullRequest, signal) => {
    const found = new Map<number, HostComment>();
    for await (const { items } of client.pages(OF_ONE, { issue_number: pullRequest }, list(comment), signal)) {
      for (const each of items) found.set(each.id, bare(each));
    }
    return [...found.values()].sort((one, other) => one.id - other.id);
  };

  /** A comment of our own with this text that was made since; when its answer was lost it is there all the same. */
  const madeAnyway = async (pullRequest: number, body: string, since: number, signal?: AbortSignal) => {
    const [{ login }, all] = [await self(signal), await comments(pullRequest, signal)];
    return all.findLast(
      (each) => each.author === login && each.createdAt.getTime() >= since && sameText(each.body, body),
    );
  };

  return {
    comments,
    commentsSince: async (since, signal) => {
      const found = new Map<number, HostComment>();
      // A comment that is edited between two pages moves to the end, and what follows it moves up into a page that was
      // read. So each page is asked for by time, not by number; only a page within one second needs the next number.
      let turns = 0;
      for (let from = wholeSecond(since), more = true; more; ) {
        if (turns++ >= MOST_PAGES) throw endless(OF_ALL);
        const query = { sort: "updated", direction: "asc", since: `${from.toISOString().slice(0, 19)}Z` };
        more = false;
        for await (const page of client.pages(OF_ALL, query, list(comment), signal)) {
          for (const each of page.items) {
            if (!each.plain && each.updatedAt >= since) found.set(each.id, bare(each));
          }
          const last = page.items.at(-1)?.updatedAt ?? from;
          more = page.more && last > from;
          if (!more) continue;
          from = last;
          break;
        }
      }
      return [...found.values()].sort((one, other) => one.updatedAt.getTime() - other.updatedAt.getTime());
    },
    createComment: async (pullRequest, body, signal) => {
      const started = Date.now() + (client.skewMs() ?? 0) - CLOCK_MS;
      try {
        const created = await client.ask(CREATE, { issue_number: pullRequest, body }, ID, { signal, once: true });
        return created.id;
      } catch (error) {
        if (!(error instanceof LabkeeperError) || error.code !== "LK8001" || signal?.aborted === true) throw error;
        const made = await madeAnyway(pullRequest, body, started, signal).catch(() => undefined);
        if (made === undefined) throw error;
        return made.id;
      }
    },
    editComment: async (id, body, signal) => {
      await client.ask(`PATCH ${ONE}`, { comment_id: id, body }, ID, { signal });
    },
    deleteComment: async (id, signal) => {
      await client.ask(`DELETE ${ONE}`, { comment_id: id }, anything, { signal });
    },
    react: async (id, reaction, signal) => {
      await client.ask(`POST ${ONE}/reactions`, { comment_id: id, content: reaction }, ID, { signal });
    },
  };
};
