/**
 * Story 4: what is recorded is told where people look. Each report is made anew from what is recorded and sent when
 * it says something else than before, so it may be late, but ends up right. Labs never wait for it.
 */

import { digestOf } from "./core/canonical.ts";
import { checkDraft } from "./core/markdown/check.ts";
import { expiryMarkdown } from "./core/markdown/expiry.ts";
import { reportMarkdown } from "./core/markdown/report.ts";
import { statusLine } from "./core/markdown/status.ts";
import type { Pace } from "./core/pace.ts";
import type { BoardLab } from "./core/pull-request.ts";
import { LabkeeperError } from "./errors.ts";
import type { BoardRow, CheckHost, CommentHost, DueReport, HostIdentity, ReportStore } from "./github-ports.ts";
import type { ArtifactStore, Clock } from "./ports.ts";

export interface ReportDeps {
  readonly host: CommentHost &
    CheckHost & { readonly repositoryUrl: string; self(signal?: AbortSignal): Promise<HostIdentity> };
  readonly store: ReportStore;
  readonly artifacts: Pick<ArtifactStore, "get">;
  readonly clock: Clock;
  readonly pace: Pace;
  /** The branch that the catalog is read from. */
  readonly branch: string;
  /** The least time between two edits of one thing at the host, milliseconds; default 5 s. */
  readonly betweenEdits?: number;
  /** Where a lab's credentials can be read by whoever may; null: only by the command line. */
  credentialsUrl(labId: string): string | null;
}

export interface Reported {
  readonly sent: number;
  readonly failed: readonly { readonly report: DueReport; readonly error: unknown }[];
}

const BETWEEN_EDITS = 5_000;
/** How often a board with something running is told anew. Seconds. */
const PROGRESS_SECONDS = 30;
/** Reports looked at in one round; the rest stay due. */
const A_ROUND = 100;
const LONGEST_RETRY = 15 * 60_000;

/** What one report wants said: the parts its digest is over, and how to say it. Null: there is nothing to say (yet). */
interface Message {
  readonly says: unknown;
  /** Answers the id under which it is found again; null where none is needed. */
  send(known: number | null): Promise<number | null>;
}

/** Sends what is due, as far as the host's limits allow. One report that fails keeps no other waiting. */
export async function report(deps: ReportDeps, signal?: AbortSignal): Promise<Reported> {
  const { store, clock } = deps;
  await store.noteEvents();
  const due = await store.dueReports(clock.now(), PROGRESS_SECONDS, A_ROUND);
  const failed: { report: DueReport; error: unknown }[] = [];
  if (due.length === 0) return { sent: 0, failed };
  const self = await deps.host.self(signal);
  const ofRound = { ...deps, rows: rowsOnce(store) };
  let sent = 0;
  for (const each of due) {
    signal?.throwIfAborted();
    if (deps.pace.wait() > 0) break;
    try {
      const told = await tell(ofRound, self, each, signal);
      const at = clock.now();
      const notBefore = new Date(at.getTime() + (told.sent ? (deps.betweenEdits ?? BETWEEN_EDITS) : 0));
      await store.recordSent(each, { remoteId: told.remoteId, digest: told.digest, at, notBefore });
      if (told.sent) sent += 1;
    } catch (error) {
      signal?.throwIfAborted();
      failed.push({ report: each, error });
      await store.recordFailure(each, messageOf(error), new Date(clock.now().getTime() + retryIn(each.failures)));
      // What holds for one call then holds for all of them.
      if (error instanceof LabkeeperError && ["LK8001", "LK8006", "LK8007"].includes(error.code)) break;
    }
  }
  return { sent, failed };
}

/** What a round knows beside: a thousand statuses of one pull request are one look at its board. */
interface RoundDeps extends ReportDeps {
  rows(pullRequest: number): Promise<ReadonlyMap<string, BoardRow>>;
}

/** Read after it was known what is due, so that whatever moves after it makes the same reports due again. */
const rowsOnce = (store: Pick<ReportStore, "board">): RoundDeps["rows"] => {
  const known = new Map<number, ReturnType<RoundDeps["rows"]>>();
  return (pullRequest) => {
    const rows =
      known.get(pullRequest) ??
      store.board(pullRequest).then((board) => new Map(board.map((row) => [row.name, row] as const)));
    known.set(pullRequest, rows);
    return rows;
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const retryIn = (failures: number): number => Math.min(LONGEST_RETRY, 5_000 * 2 ** Math.min(failures, 20));

async function tell(
  deps: RoundDeps,
  self: HostIdentity,
  due: DueReport,
  signal?: AbortSignal,
): Promise<{ readonly sent: boolean; readonly remoteId: number | null; readonly digest: string }> {
  const message = await messageFor(deps, self, due, signal);
  const digest = digestOf(message === null ? "nothing" : message.says);
  if (message === null || digest === due.sentDigest) return { sent: false, remoteId: due.remoteId, digest };
  deps.pace.take();
  return { sent: true, remoteId: await message.send(due.remoteId), digest };
}

function messageFor(
  deps: RoundDeps,
  self: HostIdentity,
  due: DueReport,
  signal?: AbortSignal,
): Promise<Message | null> {
  switch (due.kind) {
    case "comment":
      return theComment(deps, self, due, signal);
    case "check":
      return theCheck(deps, self, due, signal);
    case "status":
      return theStatus(deps, due, signal);
    case "expiry":
      return theExpiry(deps, self, due, signal);
  }
}

const COMMENT_MARKER = "<!-- labkeeper:pull-request -->";

async function theComment(
  deps: ReportDeps,
  self: HostIdentity,
  { pullRequest }: DueReport,
  signal?: AbortSignal,
): Promise<Message | null> {
  const { number } = pullRequest;
  const review = await deps.store.review(number);
  const labs = pullRequest.state === "merged" ? await boardLabs(deps, number) : [];
  const commands = await deps.store.commandAnswers(number);
  // A pull request that concerns no lab, no policy and nobody's question gets no comment.
  const concerns =
    review !== null && (review.changes.length > 0 || review.problems.length > 0 || review.policy !== null);
  if (!concerns && labs.length === 0 && commands.length === 0) return null;
  const { repositoryUrl } = deps.host;
  const body = reportMarkdown(
    { pullRequest, review, labs, commands, branch: deps.branch, repositoryUrl, now: deps.clock.now() },
    COMMENT_MARKER,
  );
  return { says: body, send: (known) => putComment(deps, self, number, COMMENT_MARKER, body, known, signal) };
}

async function theCheck(
  deps: ReportDeps,
  self: HostIdentity,
  { pullRequest, subject }: DueReport,
  signal?: AbortSignal,
): Promise<Message | null> {
  const review = await deps.store.review(pullRequest.number);
  if (pullRequest.state !== "open" || review === null || review.headCommit !== subject) return null;
  const draft = checkDraft(review, deps.host.repositoryUrl);
  if (self.app) return { says: draft, send: (known) => deps.host.putCheck(draft, known, signal) };
  // A plain token may make no check runs: the same verdict as a status.
  const state = draft.conclusion === "failure" ? "failure" : "success";
  const status = {
    commit: subject,
    context: draft.name,
    state,
    description: draft.title,
    url: pullRequest.url,
  } as const;
  return { says: status, send: async () => deps.host.putStatus(status, signal).then(() => null) };
}

async function theStatus(
  deps: RoundDeps,
  { pullRequest, subject }: DueReport,
  signal?: AbortSignal,
): Promise<Message | null> {
  const lab = (await deps.rows(pullRequest.number)).get(subject);
  const { mergeCommit } = pullRequest;
  if (lab === undefined || mergeCommit === null) return null;
  const line = statusLine({ ...lab, logTail: [], credentialsUrl: null });
  const status = { commit: mergeCommit, context: `labkeeper/${lab.name}`, url: pullRequest.url, ...line };
  return { says: status, send: async () => deps.host.putStatus(status, signal).then(() => null) };
}

async function theExpiry(
  deps: ReportDeps,
  self: HostIdentity,
  { pullRequest, subject }: DueReport,
  signal?: AbortSignal,
): Promise<Message | null> {
  const lab = (await boardLabs(deps, pullRequest.number)).find((each) => each.labId === subject);
  if (lab === undefined || !lab.expiring || lab.expiresAt === null) return null;
  const marker = `<!-- labkeeper:expiry ${subject} -->`;
  const body = expiryMarkdown(lab, { repositoryUrl: deps.host.repositoryUrl }, marker);
  return { says: body, send: (known) => putComment(deps, self, pullRequest.number, marker, body, known, signal) };
}

/**
 * Edits the comment, or makes it when there is none: whoever made it and crashed left it with the marker. A marker in
 * somebody else's comment means nothing. Two of our own, from two processes at once, become one again.
 */
async function putComment(
  { host }: ReportDeps,
  self: HostIdentity,
  pullRequest: number,
  marker: string,
  body: string,
  known: number | null,
  signal?: AbortSignal,
): Promise<number> {
  if (known !== null) {
    try {
      await host.editComment(known, body, signal);
      return known;
    } catch (error) {
      if (!(error instanceof LabkeeperError && error.code === "LK8003")) throw error;
    }
  }
  const own = (await host.comments(pullRequest, signal)).filter(
    (comment) => comment.author === self.login && comment.body.startsWith(marker),
  );
  const [first, ...others] = own;
  for (const { id } of others) await host.deleteComment(id, signal);
  if (first === undefined) return host.createComment(pullRequest, body, signal);
  await host.editComment(first.id, body, signal);
  return first.id;
}

type RichLab = BoardLab & { readonly labId: string | null };

async function boardLabs(deps: ReportDeps, pullRequest: number): Promise<readonly RichLab[]> {
  const rows = await deps.store.board(pullRequest);
  return Promise.all(
    rows.map(async (row) => ({
      ...row,
      logTail: await logTail(deps, row),
      credentialsUrl: row.labId === null ? null : deps.credentialsUrl(row.labId),
    })),
  );
}

const TAIL_LINES = 20;

/** The end of a failed job's log, which was redacted when it was written. A log that cannot be read is left out. */
async function logTail({ artifacts }: ReportDeps, { labId, failedJobId }: BoardRow): Promise<readonly string[]> {
  if (labId === null || failedJobId === null) return [];
  const bytes = await artifacts.get(`labs/${labId}/${failedJobId}/log`).catch(() => null);
  if (bytes === null) return [];
  const text = new TextDecoder().decode(bytes.subarray(-64 * 1024));
  return text.trimEnd().split("\n").slice(-TAIL_LINES);
}
