/**
 * `node scripts/extract-openapi.ts PATH [PATH]`: takes the operations and webhooks that labkeeper uses out of GitHub's own
 * OpenAPI description and writes them, with every schema they need, where the tests' stand-in for GitHub reads them.
 * PATH is `generated/api.github.com.json` of the npm package `@octokit/openapi` (MIT), unpacked outside this project:
 * installed, it has 385 MB. A second path, `api.github.com/index.json` of `@octokit/webhooks-examples` (MIT), makes the
 * examples anew.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Extract, extract } from "./openapi-extract.ts";

/** Every operation that labkeeper, or a test of it, asks GitHub for. */
const OPERATIONS = [
  "GET /app",
  "GET /app/hook/config",
  "POST /app/installations/{installation_id}/access_tokens",
  "GET /orgs/{org}/teams/{team_slug}/members",
  "GET /orgs/{org}/teams/{team_slug}/memberships/{username}",
  "GET /rate_limit",
  "GET /repos/{owner}/{repo}",
  "GET /repos/{owner}/{repo}/branches/{branch}",
  "POST /repos/{owner}/{repo}/check-runs",
  "GET /repos/{owner}/{repo}/check-runs/{check_run_id}",
  "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
  "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
  "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
  "GET /repos/{owner}/{repo}/commits/{ref}",
  "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
  "GET /repos/{owner}/{repo}/commits/{ref}/status",
  "GET /repos/{owner}/{repo}/commits/{ref}/statuses",
  "GET /repos/{owner}/{repo}/contents/{path}",
  "PUT /repos/{owner}/{repo}/contents/{path}",
  "DELETE /repos/{owner}/{repo}/contents/{path}",
  "GET /repos/{owner}/{repo}/git/ref/{ref}",
  "POST /repos/{owner}/{repo}/git/refs",
  "PATCH /repos/{owner}/{repo}/git/refs/{ref}",
  "DELETE /repos/{owner}/{repo}/git/refs/{ref}",
  "GET /repos/{owner}/{repo}/installation",
  "GET /repos/{owner}/{repo}/issues/comments",
  "GET /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
  "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
  "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "GET /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/pulls",
  "GET /repos/{owner}/{repo}/pulls/{pull_number}",
  "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
  "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits",
  "GET /repos/{owner}/{repo}/pulls/{pull_number}/files",
  "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge",
  "POST /repos/{owner}/{repo}/statuses/{sha}",
  "GET /user",
];

/** What the stand-in delivers; the description has a schema for each. */
const WEBHOOKS = [
  "webhook-issue-comment-created",
  "webhook-issue-comment-deleted",
  "webhook-issue-comment-edited",
  "webhook-ping",
  "webhook-pull-request-closed",
  "webhook-pull-request-edited",
  "webhook-pull-request-opened",
  "webhook-pull-request-reopened",
  "webhook-pull-request-synchronize",
  "webhook-push",
];

/** Of GitHub's examples of each, the one without what labkeeper's webhooks lack, such as assignees. */
const EXAMPLES = ["push", "pull_request opened", "issue_comment created"];

const folder = join(import.meta.dirname, "../standins/github/openapi");
const [description, examples] = process.argv.slice(2);
if (description === undefined) {
  console.error(
    "usage: node scripts/extract-openapi.ts .../generated/api.github.com.json [.../api.github.com/index.json]",
  );
  process.exitCode = 2;
} else {
  write("github-openapi.json", description, extract(read(description), OPERATIONS, WEBHOOKS));
  if (examples !== undefined) write("webhook-examples.json", examples, { examples: chosen(read(examples)) });
}

function read(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** With the package that it is from: both files lie in a folder of their own in it. */
function write(file: string, source: string, document: Extract | { readonly examples: object }): void {
  const { name, version, license } = read(join(dirname(source), "../package.json"));
  writeFileSync(join(folder, file), written({ source: { package: name, version, license }, ...document }));
}

function chosen(
  events: readonly { readonly name: string; readonly examples: readonly { readonly action?: string }[] }[],
): Readonly<Record<string, object>> {
  const found = EXAMPLES.map((wanted) => {
    const [name, action] = wanted.split(" ");
    const all = events.find((event) => event.name === name)?.examples.filter((one) => one.action === action) ?? [];
    // Where an App is, there mostly is an organization; the largest of those shows most.
    const ours = all.filter((one) => "organization" in one).sort((one, other) => size(other) - size(one));
    const [example] = ours.length > 0 ? ours : all;
    if (example === undefined) throw new Error(`There is no example of ${wanted}`);
    return [wanted, example] as const;
  });
  return Object.fromEntries(found);
}

function size(value: object): number {
  return JSON.stringify(value).length;
}

/** One line for each operation and schema: small, and a newer description shows in a diff what it changes. */
function written(document: Readonly<Record<string, object>>): string {
  const parts = Object.entries(document).map(([name, entries]) => {
    const lines = Object.entries(entries).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    return `${JSON.stringify(name)}:{\n${lines.join(",\n")}\n}`;
  });
  return `{\n${parts.join(",\n")}\n}\n`;
}
