/** Whoever may comment decides how much there is to read; they cost the others neither requests nor a hearing. */

import { expect, test } from "vitest";
import { answerComments, type CommentDeps } from "../../src/comment-commands.ts";
import type { CommentCommand, HostComment } from "../../src/github-ports.ts";

const NOW = new Date("2026-03-02T12:00:00Z");

const comment = (id: number, author: string, association: string, body: string): HostComment => ({
  id,
  url: `https://github.com/octo-org/labs/pull/1#issuecomment-${id}`,
  pullRequest: 1,
  author,
  authorId: null,
  byBot: false,
  association,
  body,
  createdAt: NOW,
  updatedAt: NOW,
});

/** As much of each as reading comments needs: twenty teams, of which a stranger is none. */
function reading(comments: readonly HostComment[]) {
  const asked: string[] = [];
  const received: CommentCommand[] = [];
  const names = Array.from({ length: 20 }, (_, index) => `team-${index}`);
  const teams = new Map(names.map((name) => [name, { name, githubTeam: `octo-org/${name}` }]));
  const deps = {
    branch: "main",
    clock: { now: () => NOW, monotonic: () => 0 },
    policy: async () => ({ teams, roles: {} }),
    host: {
      self: async () => ({ login: "labkeeper[bot]", app: true }),
      commentsSince: async () => comments,
      isTeamMember: async (organisation: string, team: string, login: string) => {
        asked.push(`${organisation}/${team} ${login}`);
        return false;
      },
      permission: async () => "read",
      react: async () => undefined,
    },
    store: {
      cursor: async () => NOW,
      setCursor: async () => undefined,
      lab: async () => null,
      receive: async (commands: readonly CommentCommand[]) => {
        received.push(...commands);
        return commands;
      },
      unanswered: async () => [],
    },
  } as unknown as CommentDeps;
  return { deps, asked, received };
}

test("five hundred commands of a stranger cost one question for each team", async () => {
  const flood = Array.from({ length: 500 }, (_, id) => comment(id + 1, "stranger", "NONE", `/lab status lab-${id}`));
  const { deps, asked, received } = reading([...flood, comment(501, "octocat", "MEMBER", "/lab status")]);
  await answerComments(deps);
  expect(received.map(({ author }) => author)).toEqual(["octocat"]);
  expect(asked.length).toBe(20);
  expect(new Set(asked).size).toBe(20);
});

test("a comment that no database can store keeps no other from being received", async () => {
  const odd = ["/lab status \0", "/lab status one\u0007", "\0\n/lab status\u0000", "/lab status \u009b31m"];
  const all = odd.map((body, id) => comment(id + 1, "octocat", "MEMBER", body));
  const { deps, received } = reading([...all, comment(9, "octocat", "MEMBER", "/lab status one")]);
  await answerComments(deps);
  expect(received.map(({ command }) => command)).toEqual(["/lab status one"]);
});
