import { commentBody, commentOf, createComment, deleteComment, editComment, react, reactionBody } from "./comments.ts";
import { pullOf } from "./pulls.ts";
import { type Call, type Routes, text } from "./route.ts";
import type { Comment, ReactionContent } from "./world.ts";

const READ = { installation: ["issues:read", "pull_requests:read"], user: "read" } as const;
// Commenting asks a user for no more than reading does.
const WRITE = { installation: ["issues:write", "pull_requests:write"], user: "read" } as const;

const one = ({ world, path }: Call): Comment => commentOf(world, Number(path["comment_id"]));

export const commentRoutes: Routes = {
  "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": {
    ...READ,
    list: "body",
    run(call) {
      const { number } = pullOf(call.world, Number(call.path["issue_number"]));
      const own = since(call).filter((comment) => comment.number === number);
      return { status: 200, body: own.map((comment) => commentBody(call.world, comment)) };
    },
  },
  "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": {
    ...WRITE,
    run({ world, actor, path, body }) {
      const comment = createComment(world, Number(path["issue_number"]), text(body["body"]) ?? "", actor);
      return { status: 201, body: commentBody(world, comment) };
    },
  },
  "GET /repos/{owner}/{repo}/issues/comments": {
    ...READ,
    list: "body",
    run(call) {
      const { sort = "created", direction = sort === "created" ? "asc" : "desc" } = call.query;
      const key = (comment: Comment): number => (sort === "updated" ? comment.updatedAt : comment.createdAt);
      const sorted = [...since(call)].sort((first, second) => key(first) - key(second) || first.id - second.id);
      const ordered = direction === "desc" ? sorted.reverse() : sorted;
      return { status: 200, body: ordered.map((comment) => commentBody(call.world, comment)) };
    },
  },
  "GET /repos/{owner}/{repo}/issues/comments/{comment_id}": {
    ...READ,
    run: (call) => ({ status: 200, body: commentBody(call.world, one(call)) }),
  },
  "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": {
    ...WRITE,
    run(call) {
      const comment = one(call);
      editComment(call.world, comment, text(call.body["body"]) ?? "", call.actor);
      return { status: 200, body: commentBody(call.world, comment) };
    },
  },
  "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}": {
    ...WRITE,
    run(call) {
      deleteComment(call.world, one(call), call.actor);
      return { status: 204 };
    },
  },
  "GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": {
    ...READ,
    list: "body",
    run(call) {
      const { content } = call.query;
      const chosen = one(call).reactions.filter((reaction) => content === undefined || reaction.content === content);
      return { status: 200, body: chosen.map((reaction) => reactionBody(call.world, reaction)) };
    },
  },
  "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": {
    ...WRITE,
    run(call) {
      const content = text(call.body["content"]) as ReactionContent;
      const { reaction, created } = react(call.world, one(call), content, call.actor);
      return { status: created ? 201 : 200, body: reactionBody(call.world, reaction) };
    },
  },
};

/** Comments changed at `since` or later; GitHub compares whole seconds. */
function since({ world, query }: Call): readonly Comment[] {
  const from = query["since"] === undefined ? 0 : Date.parse(query["since"]);
  return [...world.comments.values()].filter(({ updatedAt }) => Math.floor(updatedAt / 1000) * 1000 >= from);
}
