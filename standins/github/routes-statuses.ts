import { accountBody, nodeId } from "./body-account.ts";
import { repositoryBody, repositoryUrl } from "./body-repository.ts";
import { timestamp } from "./clock.ts";
import { commitOf } from "./git-work.ts";
import { invalid, notFound, Refusal } from "./refusal.ts";
import { type Call, type Routes, text } from "./route.ts";
import type { Body, CommitStatus, World } from "./world.ts";

const READ = { installation: ["statuses:read"], user: "read" } as const;

export const statusRoutes: Routes = {
  "POST /repos/{owner}/{repo}/statuses/{sha}": {
    installation: ["statuses:write"],
    user: "write",
    run({ world, actor, path, body }) {
      const sha = commitOf(world.repository.path, path["sha"] ?? "");
      if (sha === null) throw new Refusal(422, `No commit found for SHA: ${path["sha"]}`);
      const description = text(body["description"]);
      if (description !== null && description.length > 140) {
        throw invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)");
      }
      const context = text(body["context"]) ?? "default";
      if (world.statuses.filter((status) => status.sha === sha && status.context === context).length >= 1000) {
        throw new Refusal(422, "Validation Failed: This SHA and context has reached the maximum number of statuses.");
      }
      const status: CommitStatus = {
        id: world.nextId(),
        sha,
        state: text(body["state"]) ?? "",
        context,
        description,
        targetUrl: text(body["target_url"]),
        by: actor,
        at: world.clock.now(),
      };
      world.statuses.push(status);
      return { status: 201, body: { ...simpleStatus(world, status), creator: accountBody(world, actor.login) } };
    },
  },
  "GET /repos/{owner}/{repo}/commits/{ref}/statuses": {
    ...READ,
    list: "body",
    run(call) {
      const statuses = statusesOf(call).statuses;
      const body = statuses.map((status) => ({
        ...simpleStatus(call.world, status),
        creator: accountBody(call.world, status.by.login),
      }));
      return { status: 200, body };
    },
  },
  "GET /repos/{owner}/{repo}/commits/{ref}/status": {
    ...READ,
    list: "statuses",
    run(call) {
      const { world } = call;
      const { sha, statuses } = statusesOf(call);
      const contexts = new Set<string>();
      const latest = statuses.filter(({ context }) => !contexts.has(context) && contexts.add(context));
      const url = `${repositoryUrl(world)}/commits/${sha}`;
      const body = {
        state: combined(latest.map(({ state }) => state)),
        statuses: latest.map((status) => simpleStatus(world, status)),
        sha,
        total_count: latest.length,
        repository: repositoryBody(world),
        commit_url: url,
        url: `${url}/status`,
      };
      return { status: 200, body };
    },
  },
};

/** Newest first. */
function statusesOf({ world, path }: Call): { readonly sha: string; readonly statuses: readonly CommitStatus[] } {
  const sha = commitOf(world.repository.path, path["ref"] ?? "");
  if (sha === null) throw notFound();
  return { sha, statuses: world.statuses.filter((status) => status.sha === sha).reverse() };
}

function combined(states: readonly string[]): string {
  if (states.some((state) => state === "error" || state === "failure")) return "failure";
  if (states.length === 0 || states.includes("pending")) return "pending";
  return "success";
}

/** `simple-commit-status`. */
function simpleStatus(world: World, status: CommitStatus): Body {
  return {
    id: status.id,
    node_id: nodeId("SC", status.id),
    url: `${repositoryUrl(world)}/statuses/${status.sha}`,
    avatar_url: String(accountBody(world, status.by.login)["avatar_url"]),
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    created_at: timestamp(status.at),
    updated_at: timestamp(status.at),
  };
}
