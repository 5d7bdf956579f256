import { answerComments, type CommentDeps } from "../../src/comment-commands.ts";
import { commandLines, parseCommand } from "../../src/core/comment-command.ts";
import type { CommentCommand, HostComment } from "../../src/github-ports.ts";
import { elementsAround, rendered } from "../rendered.ts";
import { must, mustBeShowable, type Target, textOf } from "../target.ts";

/** Whose words these are, or words that are shown as something else than words. */
const NOT_SAID = ["blockquote", "code", "pre", "samp", "kbd", "tt", "del", "textarea", "title", "script", "style"];
/** Where the other reader of Markdown still answers at once. */
const LONGEST_COMPARED = 1_000;

const NAME = /^[a-z0-9-]{1,63}$/;
const NOW = new Date("2026-03-02T12:00:00Z");
const CURSOR = new Date("2026-03-02T11:59:00Z");

/** Each `/lab` gets a word of its own, so that it is found again in what is rendered. */
const numbered = (body: string): string => {
  let count = 0;
  return body.replaceAll("/lab", () => `/lab zq${count++}zq`);
};

function mustBeSaid(body: string): void {
  const marked = numbered(body.slice(0, LONGEST_COMPARED));
  const found = commandLines(marked);
  if (found.length === 0) return;
  const html = rendered(marked);
  for (const line of found) {
    const word = /zq\d+zq/.exec(line)?.[0] ?? line;
    const around = elementsAround(html, word);
    must(around !== null, "a command is heard that nobody sees");
    const other = around.find((name) => NOT_SAID.includes(name));
    must(other === undefined, `a command is heard inside of ${other}`);
  }
}

/** What was done to labs, by a store and a host that remember it. */
interface Done {
  readonly verb: string;
  readonly on: string;
}

const unused = async (): Promise<never> => {
  throw new Error("nobody asks for this");
};

/** Who wrote it and how, by the first byte. `octocat` may do everything, `monalisa` nothing. */
const commentOf = (flags: number, body: string): HostComment => ({
  id: 1,
  url: "https://github.com/octo-org/labs/pull/1#issuecomment-1",
  pullRequest: 1,
  author: (flags & 1) === 0 ? "octocat" : (flags & 2) === 0 ? "monalisa" : "labkeeper[bot]",
  authorId: null,
  byBot: (flags & 4) !== 0,
  association: (flags & 8) === 0 ? "MEMBER" : "NONE",
  body,
  createdAt: (flags & 16) === 0 ? NOW : new Date("2026-02-27T12:00:00Z"),
  updatedAt: (flags & 32) === 0 ? ((flags & 16) === 0 ? NOW : new Date("2026-02-27T12:00:00Z")) : new Date(+NOW + 1),
});

const policy = {
  teams: new Map([["team-a", { name: "team-a", approvers: ["octocat"] }]]),
  roles: { operators: ["octocat"], approvers: ["octocat"] },
} as unknown as Awaited<ReturnType<CommentDeps["policy"]>>;

function deps(comment: HostComment, done: Done[], answers: string[], received: CommentCommand[]): CommentDeps {
  const acted = (verb: string) => async (on: string) => {
    done.push({ verb, on });
    return { lab: on, guard: "quota", job: "provision", jobCancelled: null, number: 1, ttlHours: 8, avoided: [] };
  };
  // As much of each as a command needs.
  return {
    branch: "main",
    clock: { now: () => NOW, monotonic: () => 0 },
    policy: async () => policy,
    host: {
      comments: unused,
      createComment: unused,
      editComment: unused,
      deleteComment: unused,
      react: async () => undefined,
      self: async () => ({ login: "labkeeper[bot]", app: true }),
      commentsSince: async () => [comment],
      permission: async () => "write",
      isTeamMember: async () => false,
      pullRequest: async () => ({
        number: 1,
        author: "monalisa",
        authorId: 2,
        state: "open",
        head: { commit: "", ref: "a", fork: false },
        base: { commit: "", ref: "main" },
      }),
      authorship: async () => ({ accounts: [{ login: "monalisa", id: 2 }], incomplete: null }),
    },
    requests: { extend: acted("extend"), destroy: acted("destroy"), keepExpiryRequests: unused },
    store: {
      cursor: async () => CURSOR,
      setCursor: async () => undefined,
      receive: async (commands: readonly CommentCommand[]) => {
        received.push(...commands);
        return commands;
      },
      unanswered: async () => received,
      answer: async (_: number, __: string, text: string) => void answers.push(text),
      holdOrigin: async (hold: string) => ({
        lab: hold,
        team: "team-a",
        guard: "quota",
        pullRequest: 1,
        author: { login: "monalisa", id: 2 },
        smuggled: false,
      }),
      lab: async (name: string) => ({
        lab: { name, team: "team-a", state: "ready", expiresAt: null, spec: { owner: "octocat" } },
        job: null,
      }),
      labs: async () => [],
      retry: acted("retry"),
      cancel: acted("cancel"),
      approve: acted("approve"),
    },
  } as unknown as CommentDeps;
}

/** Somebody's comment: what is said in it is heard, what is quoted, hidden or shown as code is not, nor what others say. */
export const commands: Target = {
  name: "commands",
  seeds: [
    "\0Thanks!\n\n/lab retry team-a-test-01\n",
    "\0/lab extend team-a-test-01 8h",
    "\0/lab approve hold-0123456789",
    "\u0001/lab destroy team-a-test-01",
    "\u0008/lab cancel team-a-test-01",
    "\0> quoted\n/lab status\n\n- ```\n  code\n  ```\n1. > q\n\n`span`\n/lab help\n",
    "\0<!-- hidden -->\n<pre>\n/lab status\n</pre>\n[a]: https://example.com 'title\n/lab status\n'\n",
    "\0~~~yaml\n/lab status\n~~~\n| a |\n|---|\n/lab status\n",
  ],
  dictionary: [
    ...["/lab ", "\n/lab status\n", "/lab destroy a\n", "status", "retry a", "hold-0123456789", "8h", "approve "],
    ...[
      "```\n",
      "~~~\n",
      "````",
      "`",
      "``",
      "> ",
      "- ",
      "* ",
      "1. ",
      "2) ",
      "    ",
      "\t",
      "  ",
      "\n\n",
      "\r\n",
      "\u00a0",
    ],
    ...["<!--", "-->", "<pre>\n", "</pre>", "<code>", "</code>", "<b title='", "'>", "<![CDATA[", "]]>", "<?", "?>"],
    ...["[a]: /b '", "'", "[^1]: ", "[^1]", "](", ")", "![", "[", "]", "~~", "$$\n", "\\", "\\`", "# ", "---\n", "|"],
  ],
  async run(input) {
    const body = textOf(input.subarray(1));
    const found = commandLines(body);
    for (const line of found) {
      must(/^\/lab(?:[ \t]|$)/.test(line) && line.length <= 300, "a command has another form");
      const command = parseCommand(line);
      if (command.verb === "refused") mustBeShowable(command.message, "a refusal");
    }
    mustBeSaid(body);
    const [done, answers, received]: [Done[], string[], CommentCommand[]] = [[], [], []];
    const comment = commentOf(input[0] ?? 0, body);
    await answerComments(deps(comment, done, answers, received));
    const silent = comment.byBot || comment.author !== "octocat" || +comment.updatedAt !== +comment.createdAt;
    if (silent) must(done.length === 0, "somebody without a right is obeyed");
    must(done.length <= (found.length === 1 ? 1 : 0), "more is done than one comment may ask for");
    if (+comment.createdAt < +CURSOR) must(received.length === 0, "what was said before anybody listened is heard");
    for (const { verb, on } of done) {
      must(body.includes(on) && body.includes(verb), "something is done that was not asked for");
      must(NAME.test(on), "what is done it to is no name");
    }
    for (const { command } of received)
      must(!/[^\P{Cc}\t]/u.test(command) && command.length < 330, "a command is no line");
    for (const text of answers) must(text.length <= 2_000, "an answer is endless");
  },
};
