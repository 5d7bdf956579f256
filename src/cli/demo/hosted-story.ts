/** The whole story as people see it: on pull requests, with servers that are really there. */

import { comment, lookAround, merge, openPullRequest, push, showComment, showRequest } from "./pull-request.ts";
import type { Act, HostedStage } from "./stage.ts";
import { ask, command, fileAt, labAt, misspelt, quote, say, useLab, withHours } from "./stage.ts";

type HostedAct = Act<HostedStage>;

/** The requesters of the example's teams. */
const REQUESTER = "octocat";
const NEIGHBOUR = "hubot";

const textAt = (stage: HostedStage, index: number): string => {
  const text = stage.github.file(fileAt(stage, index));
  if (text === null) throw new Error(`${fileAt(stage, index)} is not in the catalog`);
  return `${text}\n`;
};

/** The pull request that added the labs; its comment goes on telling of them. */
const FIRST = 1;

const proposal: HostedAct = {
  title: "A lab is a small file. A pull request asks for three, and labkeeper answers with the plan",
  play: async (stage) => {
    const { context, labs, github } = stage;
    say(
      stage,
      context.colours.dim(
        `  (A stand-in for GitHub listens at ${github.url}: a real git repository, and GitHub's API.)`,
      ),
    );
    quote(stage, labs[fileAt(stage, 0)] ?? "");
    openPullRequest(stage, REQUESTER, "Add three labs", labs);
    await lookAround(stage);
    showComment(stage, FIRST);
  },
};

const bringUp: HostedAct = {
  title: "Merged: three real Postgres servers, in parallel, and the same comment becomes their board",
  play: async (stage) => {
    merge(stage, FIRST, REQUESTER);
    await command(stage, ["reconcile", "--wait"]);
    showComment(stage, FIRST, { edited: true });
  },
};

const use: HostedAct = {
  title: "A lab is usable: its credentials open it",
  play: (stage) => useLab(stage, labAt(stage, 0)),
};

const update: HostedAct = {
  title: "Editing a file changes the lab in place",
  play: async (stage) => {
    const changes = { [fileAt(stage, 0)]: withHours(textAt(stage, 0), 12) };
    const number = openPullRequest(stage, REQUESTER, `Keep ${labAt(stage, 0)} for 12 hours`, changes);
    await lookAround(stage);
    showComment(stage, number);
    merge(stage, number, REQUESTER);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const brokenFile: HostedAct = {
  title: "A broken file is refused on the pull request; merged all the same, it harms nothing",
  play: async (stage) => {
    const [path, lab, good] = [fileAt(stage, 1), labAt(stage, 1), textAt(stage, 1)];
    const number = openPullRequest(stage, REQUESTER, `Tidy ${lab}`, { [path]: misspelt(good) });
    await lookAround(stage);
    showComment(stage, number);
    merge(stage, number, REQUESTER);
    await command(stage, ["reconcile", "--wait"], 1);
    await ask(stage, lab, "select 'still here' as answer");
    push(stage, REQUESTER, `Mend ${lab}`, { [path]: good });
  },
};

const destroy: HostedAct = {
  title: "Removing a file is said loudly, destroys its lab, and a receipt proves that it is gone",
  play: async (stage) => {
    const number = openPullRequest(stage, NEIGHBOUR, `Give ${labAt(stage, 2)} back`, { [fileAt(stage, 2)]: null });
    await lookAround(stage);
    showComment(stage, number);
    merge(stage, number, NEIGHBOUR);
    await command(stage, ["reconcile", "--wait"]);
    showComment(stage, number, { edited: true, open: (summary) => summary.startsWith("Receipt") });
  },
};

const commands: HostedAct = {
  title: "Labs are asked for and about in comments; labkeeper proposes, and people merge",
  play: async (stage) => {
    const before = stage.github.pullRequests().length;
    comment(stage, FIRST, REQUESTER, "/lab status");
    comment(stage, FIRST, REQUESTER, `/lab extend ${labAt(stage, 0)} 8h`);
    await lookAround(stage);
    showComment(stage, FIRST, { edited: true });
    const own = stage.github.pullRequests()[before];
    if (own === undefined) throw new Error("labkeeper opened no pull request");
    showRequest(stage, own.number);
    merge(stage, own.number, REQUESTER);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const story: HostedAct = {
  title: "Everything is explained",
  play: (stage) => command(stage, ["explain", labAt(stage, 2)]),
};

/** In order; each builds on those before it. */
export const HOSTED_STORY: readonly HostedAct[] = [
  proposal,
  bringUp,
  use,
  update,
  brokenFile,
  destroy,
  commands,
  story,
];
