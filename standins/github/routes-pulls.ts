import { commitBodies } from "./body-commit.ts";
import { fileBodies, fullPullBody, headLabel, pullBody } from "./body-pull.ts";
import { closePull, editPull, openPull, pullOf, pullsOfCommit, reopenPull } from "./pulls.ts";
import { mergePull } from "./pushes.ts";
import { invalid, Refusal } from "./refusal.ts";
import { type Call, type Routes, text } from "./route.ts";
import type { MergeMethod, PullRequest, Repository } from "./world.ts";

const READ = { installation: ["pull_requests:read"], user: "read" } as const;
const WRITE = { installation: ["pull_requests:write"], user: "write" } as const;

export const pullRoutes: Routes = {
  "GET /repos/{owner}/{repo}/pulls": {
    ...READ,
    list: "body",
    run: (call) => ({ status: 200, body: listed(call).map((pull) => pullBody(call.world, pull)) }),
  },
  "POST /repos/{owner}/{repo}/pulls": {
    ...WRITE,
    // Whoever may read may open one, from a fork.
    user: "read",
    run({ world, actor, body }) {
      const title = text(body["title"]);
      if (title === null || title === "") throw invalid("PullRequest", "title", "missing_field");
      const opened = openPull(world, actor, {
        title,
        body: text(body["body"]),
        head: headOf(world, text(body["head"]) ?? ""),
        base: text(body["base"]) ?? "",
        draft: body["draft"] === true,
      });
      return { status: 201, body: fullPullBody(world, opened) };
    },
  },
  "GET /repos/{owner}/{repo}/pulls/{pull_number}": {
    ...READ,
    run: ({ world, path }) => ({ status: 200, body: fullPullBody(world, pullOf(world, Number(path["pull_number"]))) }),
  },
  "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": {
    ...WRITE,
    run({ world, actor, path, body }) {
      const pull = pullOf(world, Number(path["pull_number"]));
      const [title, base] = [text(body["title"]), text(body["base"])];
      editPull(
        world,
        pull,
        {
          ...(title === null ? {} : { title }),
          ...(base === null ? {} : { base }),
          ...("body" in body ? { body: text(body["body"]) } : {}),
        },
        actor,
      );
      if (body["state"] === "closed") closePull(world, pull, actor);
      if (body["state"] === "open") reopenPull(world, pull, actor);
      return { status: 200, body: fullPullBody(world, pull) };
    },
  },
  "GET /repos/{owner}/{repo}/pulls/{pull_number}/files": {
    ...READ,
    list: "body",
    // GitHub lists no more than 3,000.
    run: ({ world, path }) => ({
      status: 200,
      body: fileBodies(world, pullOf(world, Number(path["pull_number"]))).slice(0, 3000),
    }),
  },
  "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits": {
    ...READ,
    list: "body",
    run: ({ world, path }) => ({
      status: 200,
      body: commitBodies(world, pullOf(world, Number(path["pull_number"]))).slice(0, 250),
    }),
  },
  "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge": {
    installation: ["contents:write"],
    user: "write",
    run({ world, actor, path, body }) {
      const pull = pullOf(world, Number(path["pull_number"]));
      const sha = mergePull(world, pull, actor, {
        method: (text(body["merge_method"]) ?? "merge") as MergeMethod,
        sha: text(body["sha"]),
        title: text(body["commit_title"]),
        message: text(body["commit_message"]),
      });
      return { status: 200, body: { sha, merged: true, message: "Pull Request successfully merged" } };
    },
  },
  "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls": {
    ...READ,
    installation: ["pull_requests:read", "contents:read"],
    list: "body",
    run({ world, path }) {
      const pulls = pullsOfCommit(world, path["commit_sha"] ?? "");
      if (pulls === null) throw new Refusal(422, `No commit found for SHA: ${path["commit_sha"]}`);
      return { status: 200, body: pulls.map((pull) => pullBody(world, pull)) };
    },
  },
};

/** "branch", or "owner:branch" of a fork. */
function headOf(world: Call["world"], head: string): { readonly repository: Repository; readonly ref: string } {
  const [owner, ref] = head.includes(":") ? head.split(/:(.*)/s) : [world.repository.owner, head];
  const repository = owner === world.repository.owner ? world.repository : world.forks.get(owner ?? "");
  if (repository === undefined || ref === undefined) throw invalid("PullRequest", "head", "invalid");
  return { repository, ref };
}

function listed({ world, query }: Call): readonly PullRequest[] {
  const { state = "open", base, head, sort = "created" } = query;
  const chosen = [...world.pulls.values()].filter(
    (pull) =>
      (state === "all" || pull.state === state) &&
      (base === undefined || pull.base.ref === base) &&
      (head === undefined || headLabel(pull) === head),
  );
  const ascending = (query["direction"] ?? (sort === "created" ? "desc" : "asc")) === "asc";
  const key = (pull: PullRequest): number => (sort === "updated" ? pull.updatedAt : pull.createdAt);
  const sorted = chosen.sort((one, other) => key(one) - key(other) || one.number - other.number);
  return ascending ? sorted : sorted.reverse();
}
