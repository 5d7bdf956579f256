import { appBody, nodeId } from "./body-account.ts";
import { htmlUrl, repositoryUrl } from "./body-repository.ts";
import { timestamp } from "./clock.ts";
import { commitOf } from "./git-work.ts";
import { notFound, Refusal } from "./refusal.ts";
import { type Call, type Routes, text } from "./route.ts";
import type { Body, CheckRun, PullRequest, World } from "./world.ts";

const READ = { installation: ["checks:read"], user: "read" } as const;
// "Write permission for the REST API to interact with checks is only available to GitHub Apps."
const WRITE = { installation: ["checks:write"], user: null } as const;

export const checkRoutes: Routes = {
  "POST /repos/{owner}/{repo}/check-runs": {
    ...WRITE,
    run({ world, body }) {
      const headSha = text(body["head_sha"]) ?? "";
      if (commitOf(world.repository.path, headSha) === null)
        throw new Refusal(422, `No commit found for SHA: ${headSha}`);
      const check: CheckRun = {
        id: world.nextId(),
        headSha,
        name: "",
        status: "queued",
        conclusion: null,
        startedAt: timestamp(world.clock.now()),
        completedAt: null,
        detailsUrl: null,
        externalId: null,
        title: null,
        summary: null,
        text: null,
        annotations: [],
        actions: [],
      };
      update(world, check, body);
      world.checks.set(check.id, check);
      return { status: 201, body: checkBody(world, check) };
    },
  },
  "GET /repos/{owner}/{repo}/check-runs/{check_run_id}": {
    ...READ,
    run: (call) => ({ status: 200, body: checkBody(call.world, one(call)) }),
  },
  "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": {
    ...WRITE,
    run(call) {
      const check = one(call);
      update(call.world, check, call.body);
      return { status: 200, body: checkBody(call.world, check) };
    },
  },
  "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": {
    ...READ,
    list: "check_runs",
    run({ world, path, query }) {
      const commit = commitOf(world.repository.path, path["ref"] ?? "");
      if (commit === null) throw new Refusal(422, `No commit found for SHA: ${path["ref"]}`);
      const of = [...world.checks.values()]
        .reverse()
        .filter(
          (check) =>
            check.headSha === commit &&
            (query["check_name"] === undefined || check.name === query["check_name"]) &&
            (query["status"] === undefined || check.status === query["status"]) &&
            (query["app_id"] === undefined || Number(query["app_id"]) === world.app.id),
        );
      const names = new Set<string>();
      const latest = of.filter(({ name }) => !names.has(name) && names.add(name));
      const chosen = query["filter"] === "all" ? of : latest;
      const bodies = chosen.map((check) => checkBody(world, check));
      return { status: 200, body: { total_count: bodies.length, check_runs: bodies } };
    },
  },
};

function one({ world, path }: Call): CheckRun {
  const check = world.checks.get(Number(path["check_run_id"]));
  if (check === undefined) throw notFound();
  return check;
}

function update(world: World, check: CheckRun, body: Body): void {
  const output = Object(body["output"]) as Body;
  check.name = text(body["name"]) ?? check.name;
  check.detailsUrl = text(body["details_url"]) ?? check.detailsUrl;
  check.externalId = text(body["external_id"]) ?? check.externalId;
  check.startedAt = text(body["started_at"]) ?? check.startedAt;
  check.title = text(output["title"]) ?? check.title;
  check.summary = text(output["summary"]) ?? check.summary;
  check.text = text(output["text"]) ?? check.text;
  check.annotations.push(...((output["annotations"] ?? []) as Body[]));
  if (Array.isArray(body["actions"])) check.actions.splice(0, check.actions.length, ...(body["actions"] as Body[]));
  const conclusion = text(body["conclusion"]);
  // A conclusion completes a run, whatever status is sent with it; a new status opens it again.
  check.status = conclusion !== null ? "completed" : (text(body["status"]) ?? check.status);
  check.conclusion = check.status === "completed" ? (conclusion ?? check.conclusion) : null;
  if (check.status === "completed" && check.conclusion === null) {
    throw new Refusal(422, "Invalid request.\n\nFor 'properties/conclusion', nil is not a string.");
  }
  const completed = text(body["completed_at"]) ?? check.completedAt ?? timestamp(world.clock.now());
  check.completedAt = check.status === "completed" ? completed : null;
}

/** `check-run`. */
function checkBody(world: World, check: CheckRun): Body {
  const url = `${repositoryUrl(world)}/check-runs/${check.id}`;
  const pulls = [...world.pulls.values()].filter(({ head, state }) => state === "open" && head.sha === check.headSha);
  return {
    id: check.id,
    node_id: nodeId("CR", check.id),
    head_sha: check.headSha,
    external_id: check.externalId ?? "",
    url,
    html_url: `${htmlUrl(world)}/runs/${check.id}`,
    details_url: check.detailsUrl ?? `${world.url}/apps/${world.app.slug}`,
    status: check.status,
    conclusion: check.conclusion,
    started_at: check.startedAt,
    completed_at: check.completedAt,
    name: check.name,
    check_suite: { id: 1 },
    app: appBody(world),
    output: {
      title: check.title,
      summary: check.summary,
      text: check.text,
      annotations_count: check.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    // Pull requests from forks are not listed.
    pull_requests: pulls.filter(({ head }) => !head.repository.fork).map((pull) => minimalPull(world, pull)),
  };
}

function minimalPull(world: World, pull: PullRequest): Body {
  const { id, name } = world.repository;
  const repo = { id, name, url: repositoryUrl(world) };
  return {
    id: pull.id,
    number: pull.number,
    url: `${repositoryUrl(world)}/pulls/${pull.number}`,
    head: { ref: pull.head.ref, sha: pull.head.sha, repo },
    base: { ref: pull.base.ref, sha: pull.base.sha, repo },
  };
}
