/** Story 5: what people ask for in comments, who may ask, and what came of it. */

import { whyTheirOwn } from "./approval.ts";
import { commandLines, type LabCommand, parseCommand } from "./core/comment-command.ts";
import { statusAnswer } from "./core/markdown/answer.ts";
import { elsewhereMarkdown } from "./core/markdown/elsewhere.ts";
import { type Concern, isSameLogin, teamEntry, whoMay } from "./core/permissions.ts";
import type { CatalogPolicy } from "./core/types.ts";
import { LabkeeperError } from "./errors.ts";
import type {
  Account,
  CommentCommand,
  CommentCommandStore,
  CommentHost,
  HostComment,
  HostIdentity,
  MembershipHost,
  OwnRequests,
  PullRequestHost,
  PullRequestStore,
  TakenBranch,
} from "./github-ports.ts";
import type { Clock, CommandStore, ReadStore } from "./ports.ts";

export interface CommentDeps {
  readonly host: CommentHost & MembershipHost & Pick<PullRequestHost, "self" | "authorship" | "pullRequest">;
  readonly store: CommentCommandStore &
    CommandStore &
    Pick<ReadStore, "lab" | "labs"> &
    Pick<PullRequestStore, "cursor" | "setCursor">;
  readonly requests: OwnRequests;
  readonly clock: Clock;
  /** The branch that the catalog is read from. */
  readonly branch: string;
  /** The policy of the catalog as it is merged; null while it cannot be used: then nobody may do anything. */
  policy(signal?: AbortSignal): Promise<CatalogPolicy | null>;
}

/** What came of one command, in plain text. */
interface Answer {
  readonly state: "done" | "refused";
  readonly text: string;
}

const CURSOR = "comments";
/** Comments are looked for a little back in time: the host's index may be behind its clock. Milliseconds. */
const OVERLAP = 60_000;
/** An outage must not make somebody's command of last week happen today. Milliseconds. */
const TOO_OLD = 24 * 3_600_000;

/**
 * Carries out the commands that came since the last look, each comment once in its life. What cannot be decided now
 * (the host does not say who is in a team) stays unanswered, keeps no other waiting, and is decided in a later round.
 */
export async function answerComments(deps: CommentDeps, signal?: AbortSignal): Promise<readonly CommentCommand[]> {
  const failures: unknown[] = [];
  await receiveComments(deps, signal).catch((error: unknown) => failures.push(error));
  const answered: CommentCommand[] = [];
  const waiting = await deps.store.unanswered();
  const policy = waiting.length === 0 ? null : await deps.policy(signal);
  for (const command of waiting) {
    signal?.throwIfAborted();
    try {
      const answer = await answerTo(deps, policy, command, signal);
      await deps.store.answer(command.commentId, answer.state, answer.text.slice(0, 2000));
      // A reaction that cannot be made takes nothing back: the answer stands in the comment that is edited.
      const reaction = answer.state === "done" ? "+1" : "confused";
      await deps.host.react(command.commentId, reaction, signal).catch(() => undefined);
      answered.push(command);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return answered;
}

async function receiveComments(deps: CommentDeps, signal?: AbortSignal): Promise<void> {
  const { store, host, clock } = deps;
  const since = await store.cursor(CURSOR);
  if (since === null) {
    // What was said before labkeeper listened was said to somebody else.
    await store.setCursor(CURSOR, clock.now());
    return;
  }
  const comments = await host.commentsSince(new Date(since.getTime() - OVERLAP), signal);
  const self = await host.self(signal);
  const commands = comments.flatMap((comment) => commandIn(comment, self, since));
  if (commands.length > 0) {
    const policy = await deps.policy(signal);
    const asked = { ...deps, host: askedOnce(host) };
    const heard: CommentCommand[] = [];
    const failures: unknown[] = [];
    for (const { command, association } of commands) {
      signal?.throwIfAborted();
      const isOne = await isHeard(asked, policy, command, association, signal).catch((error: unknown) => {
        failures.push(error);
        return false;
      });
      if (isOne) heard.push(command);
    }
    await store.receive(heard);
    // Who could not be known is asked about again; what was heard stays heard once.
    if (failures.length > 0) throw failures[0];
  }
  const latest = comments.reduce((last, { updatedAt }) => Math.max(last, updatedAt.getTime()), since.getTime());
  await store.setCursor(CURSOR, new Date(latest));
}

/**
 * A host that is asked once who somebody is, however many comments they write: whoever may comment decides how many there
 * are, and must not spend the requests that others wait for.
 */
function askedOnce(host: CommentDeps["host"]): CommentDeps["host"] {
  const known = new Map<string, Promise<unknown>>();
  const once = <T>(key: readonly string[], ask: () => Promise<T>): Promise<T> => {
    const name = JSON.stringify(key).toLowerCase();
    const answer = (known.get(name) as Promise<T> | undefined) ?? ask();
    known.set(name, answer);
    return answer;
  };
  return {
    ...host,
    isTeamMember: (organisation, team, login, signal) =>
      once(["team", organisation, team, login], () => host.isTeamMember(organisation, team, login, signal)),
    permission: (login, signal) => once(["permission", login], () => host.permission(login, signal)),
  };
}

interface Heard {
  readonly command: CommentCommand;
  readonly association: string;
}

/** Bots, labkeeper's own comments and edited ones ask for nothing: an edit could put words under an old time. */
function commandIn(comment: HostComment, self: HostIdentity, since: Date): readonly Heard[] {
  const edited = comment.updatedAt.getTime() !== comment.createdAt.getTime();
  const old = comment.createdAt.getTime() < since.getTime() - OVERLAP;
  if (comment.byBot || edited || old || isSameLogin(comment.author, self.login)) return [];
  const [line, ...more] = commandLines(comment.body);
  if (line === undefined) return [];
  const command: CommentCommand = {
    commentId: comment.id,
    commentUrl: comment.url,
    pullRequest: comment.pullRequest,
    author: comment.author,
    authorId: comment.authorId,
    command: more.length === 0 ? line : `${line} (and ${more.length} more)`,
    at: comment.createdAt,
  };
  return [{ command, association: comment.association }];
}

const INSIDERS: ReadonlySet<string> = new Set(["OWNER", "MEMBER", "COLLABORATOR"]);

/**
 * Outsiders are not answered, or anybody could make labkeeper talk. An insider without the right is told so. GitHub
 * calls members whose membership is private CONTRIBUTOR or NONE, so the lists of the catalog are asked as well.
 */
async function isHeard(
  deps: CommentDeps,
  policy: CatalogPolicy | null,
  { author, command }: CommentCommand,
  association: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (INSIDERS.has(association)) return true;
  if (policy === null) return false;
  return isOneOf(
    deps,
    author,
    whoMay(parseCommand(command), policy, await concernOf(deps, parseCommand(command))),
    signal,
  );
}

async function answerTo(
  deps: CommentDeps,
  policy: CatalogPolicy | null,
  given: CommentCommand,
  signal?: AbortSignal,
): Promise<Answer> {
  const refused = (text: string): Answer => ({ state: "refused", text });
  if (deps.clock.now().getTime() - given.at.getTime() > TOO_OLD)
    return refused("It could not be looked at within a day, so it was not carried out. Ask again.");
  const { base } = await deps.host.pullRequest(given.pullRequest, signal);
  if (base.ref !== deps.branch) {
    await answerElsewhere(deps, given, base.ref, signal);
    return refused(`The pull request goes to ${base.ref}.`);
  }
  if (/ \(and \d+ more\)$/.test(given.command)) return refused("One command a comment, please.");
  const command = parseCommand(given.command);
  if (command.verb === "refused") return refused(command.message);
  if (policy === null) return refused("catalog.yaml cannot be used, so nobody's rights are known. Mend it first.");
  const concern = await concernOf(deps, command);
  if (!(await isOneOf(deps, given.author, whoMay(command, policy, concern), signal)))
    return refused(`You may not. ${whoSentence(whoMay(command, policy, concern))}`);
  try {
    return await carryOut(deps, command, given, signal);
  } catch (error) {
    if (error instanceof LabkeeperError && error.disposition === "stop")
      return refused(`${error.message}. ${error.remedy}`);
    throw error;
  }
}

/**
 * Nothing else is told on such a pull request, so each command gets a comment, once in its life: it is made before the
 * answer is recorded and found again by its marker. Where none may be made there is the reaction.
 */
async function answerElsewhere(
  { host, branch }: CommentDeps,
  { commentId, pullRequest }: CommentCommand,
  base: string,
  signal?: AbortSignal,
): Promise<void> {
  const marker = `<!-- labkeeper:elsewhere ${commentId} -->`;
  const { login } = await host.self(signal);
  try {
    const all = await host.comments(pullRequest, signal);
    if (all.some(({ author, body }) => isSameLogin(author, login) && body.startsWith(marker))) return;
    await host.createComment(pullRequest, elsewhereMarkdown(base, branch, marker), signal);
  } catch (error) {
    if (!(error instanceof LabkeeperError && error.disposition === "stop")) throw error;
  }
}

const whoSentence = (entries: readonly string[]): string =>
  entries.length === 0 ? "The catalog names nobody who may." : `Who may: ${[...new Set(entries)].join(", ")}.`;

async function concernOf({ store }: CommentDeps, command: LabCommand): Promise<Concern | null> {
  if (command.verb === "approve") {
    const origin = await store.holdOrigin(command.hold);
    return origin === null ? null : { team: origin.team, owner: null };
  }
  if (!("lab" in command) || command.lab === null) return null;
  const detail = await store.lab(command.lab);
  return detail === null ? null : { team: detail.lab.team, owner: detail.lab.spec.owner };
}

/** Asked of the host at this moment: a login must still have access to the repository, a team's member still be one. */
async function isOneOf(
  { host }: CommentDeps,
  login: string,
  entries: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  if (entries.some((entry) => isSameLogin(entry, login))) return (await host.permission(login, signal)) !== "none";
  const teams = new Map(entries.flatMap((entry) => (teamEntry(entry) === null ? [] : [[entry.toLowerCase(), entry]])));
  for (const entry of teams.values()) {
    const team = teamEntry(entry);
    if (team !== null && (await isMember(host, team, login, signal))) return true;
  }
  return false;
}

/** A team that GitHub does not show has no members: one wrong name in the catalog must not stop everybody's commands. */
async function isMember(
  host: MembershipHost,
  { organisation, team }: { readonly organisation: string; readonly team: string },
  login: string,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    return await host.isTeamMember(organisation, team, login, signal);
  } catch (error) {
    if (error instanceof LabkeeperError && (error.code === "LK8002" || error.code === "LK8003")) return false;
    throw error;
  }
}

async function carryOut(
  deps: CommentDeps,
  command: Exclude<LabCommand, { verb: "refused" }>,
  { author, authorId }: CommentCommand,
  signal?: AbortSignal,
): Promise<Answer> {
  const { store, requests } = deps;
  const by: Account = { login: author, id: authorId };
  const done = (text: string): Answer => ({ state: "done", text });
  const actor = `github:${author}`;
  switch (command.verb) {
    case "help":
      return done("");
    case "status":
      return done(statusAnswer(command.lab === null ? await store.labs(false) : await theLab(store, command.lab)));
    case "retry": {
      const { job } = await store.retry(command.lab, actor);
      return done(`The ${job} of ${command.lab} is tried again now.`);
    }
    case "cancel": {
      const { jobCancelled } = await store.cancel(command.lab, actor);
      const what = jobCancelled === null ? "" : `Its ${jobCancelled} is stopped, and `;
      return done(`${what}${command.lab} is destroyed. It is not made again while its file stays.`);
    }
    case "approve": {
      const own = await whyTheirOwn(deps, command.hold, by, signal);
      if (own !== null) return { state: "refused", text: own };
      const { lab, guard } = await store.approve(command.hold, actor);
      return done(`${lab} is released from ${guard} and goes on with the next cycle.`);
    }
    case "extend": {
      const { number, ttlHours, avoided } = await requests.extend(command.lab, command.hours, by, signal);
      return done(
        `Pull request ${number} sets ttlHours to ${ttlHours}; merge it before the lab expires.${leftAlone(avoided)}`,
      );
    }
    case "destroy": {
      const { number, avoided } = await requests.destroy(command.lab, by, signal);
      return done(`Pull request ${number} removes the file; merging it destroys the lab.${leftAlone(avoided)}`);
    }
  }
}

const leftAlone = (avoided: readonly TakenBranch[]): string =>
  avoided.map(({ branch, by }) => ` Branch ${branch} was left alone: it has ${by}.`).join("");

async function theLab(store: CommentDeps["store"], name: string) {
  const detail = await store.lab(name);
  if (detail === null) throw new LabkeeperError("LK3001", `nothing is known of ${name}`);
  return [detail];
}
