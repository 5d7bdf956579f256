import type { Json } from "../core/types.ts";

/** What an event says of a change that is not merged yet. */
export interface PullRequestEvent {
  /** Where the base branch was when the event happened. */
  readonly baseCommit: string;
  /** The last commit of the pull request; null in a merge queue, which merges before it asks. */
  readonly headCommit: string | null;
}

const at = (value: Json, ...keys: readonly string[]): Json => {
  let found: Json = value;
  for (const key of keys)
    found = typeof found === "object" && found !== null && !Array.isArray(found) ? (found[key] ?? null) : null;
  return found;
};

const commitAt = (value: Json, ...keys: readonly string[]): string | null => {
  const found = at(value, ...keys);
  return typeof found === "string" && /^[0-9a-f]{40}$/.test(found) ? found : null;
};

/**
 * Reads the event that started the workflow (the file of GITHUB_EVENT_PATH); null when it is about no pull request.
 * https://docs.github.com/webhooks/webhook-events-and-payloads (pull_request, merge_group)
 */
export const readEvent = (payload: Json): PullRequestEvent | null => {
  const baseCommit = commitAt(payload, "pull_request", "base", "sha");
  if (baseCommit !== null) return { baseCommit, headCommit: commitAt(payload, "pull_request", "head", "sha") };
  const queued = commitAt(payload, "merge_group", "base_sha");
  return queued === null ? null : { baseCommit: queued, headCommit: null };
};
