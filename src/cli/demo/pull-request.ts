/** A pull request at what stands in for GitHub, as somebody sees it there. */

import { markdownView } from "../markdown-view.ts";
import { plain } from "../palette.ts";
import type { HostedStage } from "./stage.ts";
import { say } from "./stage.ts";

type Changes = Readonly<Record<string, string | null>>;

const WIDEST = 110;
const NARROWEST = 60;

const widthOf = ({ context }: HostedStage): number =>
  Math.max(NARROWEST, Math.min(WIDEST, context.columns ?? WIDEST) - 2);

/** What people do at GitHub, where there is nothing to type. */
const deed = (stage: HostedStage, who: string, what: string): void => {
  const { colours } = stage.context;
  say(stage, `${colours.yellow("●")} ${colours.bold(who)} ${what}`);
};

const signOf = (content: string | null, before: string | null): string => {
  if (content === null) return "-";
  return before === null ? "+" : "~";
};

/** Opens one that changes these files (null: removes it); answers its number. */
export const openPullRequest = (stage: HostedStage, by: string, title: string, changes: Changes): number => {
  const { github, context } = stage;
  const before = Object.keys(changes).map((path) => [path, github.file(path)] as const);
  const { number } = github.openPullRequest({ title, by, changes });
  deed(stage, by, `opens pull request ${number}: ${title}`);
  for (const [path, text] of before)
    say(stage, context.colours.dim(`  ${signOf(changes[path] ?? null, text)} ${path}`));
  return number;
};

export const merge = (stage: HostedStage, number: number, by: string): void => {
  stage.github.merge(number, { method: "squash", by });
  deed(stage, by, `merges pull request ${number}`);
};

export const push = (stage: HostedStage, by: string, message: string, changes: Changes): void => {
  stage.github.commit({ changes, message, by });
  deed(stage, by, `pushes "${message}"`);
};

export const comment = (stage: HostedStage, number: number, by: string, body: string): void => {
  stage.github.comment(number, body, by);
  deed(stage, by, `comments on pull request ${number}: ${stage.context.colours.cyan(body)}`);
};

/** What `serve` does whenever GitHub tells it of something: plans what is open, carries out commands, reports. */
export const lookAround = async ({ edges, context }: HostedStage): Promise<void> => {
  const conversation = await edges.conversation((error) => {
    throw error;
  });
  if (conversation === null) throw new Error("labkeeper does not know of the pull requests");
  const failures = await conversation.round(context.signal);
  const { failed } = await conversation.report(context.signal);
  context.signal.throwIfAborted();
  const [failure] = [...failures, ...failed.map(({ error }) => error)];
  if (failure !== undefined) throw failure;
};

const framed = (stage: HostedStage, title: string, lines: readonly string[]): void => {
  const { dim, bold } = stage.context.colours;
  say(
    stage,
    [`${dim("╭─")} ${bold(title)}`, ...lines.map((line) => `${dim("│")} ${line}`.trimEnd()), dim("╰─")].join("\n"),
  );
};

/** labkeeper's own comment there, which must be one. */
const ownComment = ({ github }: HostedStage, number: number): string => {
  const own = github.comments(number).filter(({ author }) => author.login === github.app.login);
  const [only] = own;
  if (only === undefined || own.length > 1) throw new Error(`#${number} has ${own.length} comments of labkeeper`);
  return only.body;
};

export interface Shown {
  /** "edits its comment", where that is not its first text. */
  readonly edited?: boolean;
  /** Folds that are shown whole, by their summary. */
  readonly open?: (summary: string) => boolean;
}

/** Shows labkeeper's comment, and the verdict of its check while it is open. */
export const showComment = (stage: HostedStage, number: number, { edited = false, open }: Shown = {}): void => {
  const { github, context } = stage;
  const { colours } = context;
  const options = { width: widthOf(stage), colours, ...(open && { open }) };
  const what = edited ? "edited its comment" : "commented";
  framed(
    stage,
    `${github.app.login} ${what} on pull request ${number}`,
    markdownView(ownComment(stage, number), options),
  );
  const pull = github.pullRequest(number);
  if (pull.state !== "open") return;
  for (const { name, conclusion, title } of github.checkRuns(pull.head.sha)) {
    const verdict = conclusion === "failure" ? colours.red("✗") : colours.green("✔");
    say(stage, `${verdict} ${name}: ${plain(title ?? conclusion ?? "")}`);
  }
};

/** Shows what a pull request of labkeeper's own says. */
export const showRequest = (stage: HostedStage, number: number): void => {
  const { github, context } = stage;
  const { author, title, body } = github.pullRequest(number);
  const view = markdownView(body ?? "", { width: widthOf(stage), colours: context.colours });
  framed(stage, `${author.login} opened pull request ${number}: ${plain(title)}`, view);
};
