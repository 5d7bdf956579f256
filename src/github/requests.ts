import { createHash } from "node:crypto";
import { isSameLogin } from "../core/permissions.ts";
import type { PullRequest } from "../core/pull-request.ts";
import { LabkeeperError } from "../errors.ts";
import type { PullRequestHost, RequestDraft, RequestHost, TakenBranch } from "../github-ports.ts";
import type { AskOptions, GithubClient } from "./client.ts";
import { pullRequest } from "./pull-requests.ts";
import { anything, fields, list, nullable, objectId, type Shape, text } from "./shape.ts";

const REF = fields({ object: fields({ sha: objectId }) });
const ENTRY = fields({ type: text, sha: objectId });
/** A folder answers with a list. */
const CONTENT: Shape<{ readonly type: string; readonly sha: string }> = (value, at) =>
  Array.isArray(value) ? { type: "dir", sha: "" } : ENTRY(value, at);

const PARENTS = list(fields({ sha: objectId }));
const COMMIT = fields({ parents: PARENTS, files: list(fields({ filename: text })) });
const WRITTEN = fields({ commit: fields({ parents: nullable(PARENTS) }) });

const FILE = "/repos/{owner}/{repo}/contents/{path}";
const PULL = "/repos/{owner}/{repo}/pulls/{pull_number}";

/** How git names a file's content: git-scm.com/book/en/v2/Git-Internals-Git-Objects */
const blobId = (content: Uint8Array): string =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");

const changed = (draft: RequestDraft, words: string): LabkeeperError =>
  new LabkeeperError("LK8004", `${draft.path} on ${draft.branch}: ${words}`);

/** The answer was lost, so it may be done all the same. */
const isLost = (error: unknown, signal: AbortSignal | undefined): boolean =>
  error instanceof LabkeeperError && error.code === "LK8001" && signal?.aborted !== true;

const COMMITS: TakenBranch["by"] = "commits of somebody else";

/**
 * Branch, then one commit, then the pull request. Each is looked for before it is made and again when its answer was
 * lost, so that asking anew after a crash anywhere goes on where it ended.
 */
export const githubRequests = (
  client: GithubClient,
  { self, pullRequestsFrom }: Pick<PullRequestHost, "self" | "pullRequestsFrom">,
): RequestHost => {
  const taken = ({ branch }: RequestDraft, by: string): TakenBranch => ({ branch, by });

  /**
   * Whoever may push could have opened a pull request from this branch, or sent labkeeper's own to another base. Where
   * one of those is open the host takes no second.
   */
  const existing = async (draft: RequestDraft, signal?: AbortSignal): Promise<PullRequest | TakenBranch | null> => {
    const [{ login }, all] = [await self(signal), await pullRequestsFrom(draft.branch, signal)];
    const isOwn = ({ author, base }: PullRequest): boolean => isSameLogin(author, login) && base.ref === draft.base;
    const foreign = all.find((each) => each.state === "open" && !isOwn(each));
    if (foreign === undefined) return all.find(isOwn) ?? null;
    return taken(draft, `pull request ${foreign.number} of ${foreign.author} onto ${foreign.base.ref}`);
  };

  /** Whether the branch is the base with the one change and nothing else, whoever made it so. */
  const isClean = async (draft: RequestDraft, base: string, signal?: AbortSignal): Promise<boolean> => {
    const asked = { ref: `heads/${draft.branch}` };
    const { parents, files } = await client.ask("GET /repos/{owner}/{repo}/commits/{ref}", asked, COMMIT, { signal });
    return parents.length === 1 && parents[0]?.sha === base && files.every(({ filename }) => filename === draft.path);
  };

  const headOf = async (branch: string, options: AskOptions): Promise<string | null> => {
    const ref = { ref: `heads/${branch}` };
    return (
      (await client.attempt("GET /repos/{owner}/{repo}/git/ref/{ref}", ref, REF, options)).value?.object.sha ?? null
    );
  };

  /** The file's blob at a commit; null: it is not there. Only asked of commits that were just seen, so 404 says that. */
  const blobAt = async (draft: RequestDraft, commit: string, signal?: AbortSignal): Promise<string | null> => {
    const asked = { path: draft.path, ref: commit };
    const { value } = await client.attempt(`GET ${FILE}`, asked, CONTENT, { signal, accept: [404] });
    if (value !== null && value.type !== "file") throw changed(draft, `it is no file but ${value.type}`);
    return value?.sha ?? null;
  };

  const create = async (draft: RequestDraft, base: string, signal?: AbortSignal): Promise<void> => {
    const asked = { ref: `refs/heads/${draft.branch}`, sha: base };
    // 422: it is there already, made by a request of ours whose answer was lost.
    await client.attempt("POST /repos/{owner}/{repo}/git/refs", asked, REF, { signal, accept: [422] });
  };

  /** An earlier try left the branch on an older base: it goes on to `base`. False: it has commits that would be lost. */
  const forward = async (draft: RequestDraft, base: string, signal?: AbortSignal): Promise<boolean> => {
    const asked = { ref: `heads/${draft.branch}`, sha: base, force: false };
    const options = { signal, accept: [422] };
    const { value } = await client.attempt("PATCH /repos/{owner}/{repo}/git/refs/{ref}", asked, REF, options);
    return value !== null;
  };

  /** Answers what the commit was made on; null when that is not known. */
  const commit = async (draft: RequestDraft, wanted: string | null, signal?: AbortSignal): Promise<string | null> => {
    const { path, branch, content, blobOid } = draft;
    const common = { path, message: draft.commitMessage, branch, sha: blobOid };
    const [verb, asked] =
      content === null
        ? (["DELETE", common] as const)
        : (["PUT", { ...common, content: Buffer.from(content).toString("base64") }] as const);
    try {
      const options = { signal, accept: [409, 422], once: true };
      const { value } = await client.attempt(`${verb} ${FILE}`, asked, WRITTEN, options);
      if (value !== null) return value.commit.parents?.[0]?.sha ?? null;
    } catch (error) {
      if (!isLost(error, signal)) throw error;
      const head = await headOf(branch, { signal }).catch(() => null);
      if (head === null || (await blobAt(draft, head, signal)) !== wanted) throw error;
      return null;
    }
    throw changed(draft, "the file changed meanwhile");
  };

  const open = async (draft: RequestDraft, signal?: AbortSignal): Promise<PullRequest | TakenBranch> => {
    const { title, body, base, branch } = draft;
    const asked = { title, body, base, head: branch };
    const options = { signal, accept: [422], once: true };
    let failure: unknown = null;
    try {
      const { value } = await client.attempt("POST /repos/{owner}/{repo}/pulls", asked, pullRequest, options);
      if (value !== null) return value;
    } catch (error) {
      if (!isLost(error, signal)) throw error;
      failure = error;
    }
    const made = await existing(draft, signal);
    if (made !== null) return made;
    throw failure ?? changed(draft, `there is nothing to merge into ${base}`);
  };

  return {
    openRequest: async (draft, signal) => {
      const found = await existing(draft, signal);
      if (found !== null) return found;
      const wanted = draft.content === null ? null : blobId(draft.content);
      const base = await client.ask("GET /repos/{owner}/{repo}/git/ref/{ref}", { ref: `heads/${draft.base}` }, REF, {
        signal,
      });
      const head = await headOf(draft.branch, { signal, accept: [404] });
      const there = head === null ? undefined : await blobAt(draft, head, signal);
      let onto: string | null = null;
      if (there !== wanted) {
        const now = await blobAt(draft, base.object.sha, signal);
        if (now !== draft.blobOid) throw changed(draft, "the file is another one by now");
        if (there === undefined) await create(draft, base.object.sha, signal);
        else if (!(await forward(draft, base.object.sha, signal))) return taken(draft, COMMITS);
        onto = await commit(draft, wanted, signal);
      }
      const clean = onto === null ? await isClean(draft, base.object.sha, signal) : onto === base.object.sha;
      if (!clean) return taken(draft, COMMITS);
      return await open(draft, signal);
    },
    closeRequest: async (number, signal) => {
      const seen = await client.ask(`GET ${PULL}`, { pull_number: number }, pullRequest, { signal });
      if (seen.state !== "open") return;
      await client.ask(`PATCH ${PULL}`, { pull_number: number, state: "closed" }, nullable(anything), { signal });
    },
  };
};
