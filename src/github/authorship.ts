import type { Account, Authorship, PullRequestHost } from "../github-ports.ts";
import type { GithubClient } from "./client.ts";
import { fields, list, nullable, objectId, type Shape, text, whole } from "./shape.ts";

/** docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request: further commits are not listed. */
const MOST_COMMITS = 250;
/** Pull requests whose commits are kept in memory: an approval that waits is asked about in each round. */
const MOST_KEPT = 100;

const ACCOUNT = fields({ login: text, id: whole });

/** GitHub writes an empty object, or null, for an address that belongs to no account. */
const account: Shape<Account | null> = (value, at) =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0 ? ACCOUNT(value, at) : null;

const SIGNED = nullable(fields({ email: nullable(text) }));

const COMMIT = fields({
  sha: objectId,
  commit: fields({ message: text, committer: SIGNED }),
  author: account,
  committer: account,
});
type Commit = ReturnType<typeof COMMIT>;

const PULL = fields({
  user: account,
  head: fields({ sha: objectId }),
  base: fields({ ref: text }),
  commits: whole,
});

/** git-scm.com/docs/git-interpret-trailers; the address is the last thing on its line. */
const CO_AUTHOR = /^co-authored-by:[^<>]{0,200}<([^<>\s]{1,320})>\s*$/i;
/** docs.github.com/en/account-and-profile/reference/email-addresses-reference: the id in it stays through renames. */
const NO_REPLY = /^(?:(\d{1,15})\+)?([^@+\s]{1,100})@users\.noreply\.[^@\s]{1,200}$/i;
/** What GitHub commits itself, in its editor or by its merge button. A GitHub Enterprise Server may have no account for it. */
const GITHUB_ITSELF = /^noreply@[^@\s]{1,200}$/i;

const coAuthors = (message: string): Account[] =>
  message.split(/\r?\n/).flatMap((line) => {
    const [, id, login] = NO_REPLY.exec(CO_AUTHOR.exec(line)?.[1] ?? "") ?? [];
    return login === undefined ? [] : [{ login, id: id === undefined ? null : Number(id) }];
  });

const accountsOf = ({ author, committer, commit }: Commit): Account[] => [
  ...(author === null ? [] : [author]),
  ...(committer === null ? [] : [committer]),
  ...coAuthors(commit.message),
];

const isUnknown = ({ author, committer, commit }: Commit): boolean =>
  author === null || (committer === null && !GITHUB_ITSELF.test(commit.committer?.email ?? ""));

const authorshipOf = (commits: readonly Commit[], told: number): Authorship => {
  const unknown = commits.find(isUnknown);
  const missing = told - commits.length;
  return {
    accounts: commits.flatMap(accountsOf),
    incomplete:
      missing > 0
        ? `GitHub lists ${commits.length} of its ${told} commits`
        : unknown === undefined
          ? null
          : `GitHub knows no account for who made its commit ${unknown.sha.slice(0, 12)}`,
  };
};

/**
 * Asks for the pull request each time, and for its commits where its head is another than last time. Commits beyond
 * those that GitHub lists, and addresses that belong to no account, leave it incomplete; so does a list that is shorter
 * than what the pull request tells. A co-author without an address of GitHub's own is nobody that could be known.
 */
export const githubAuthorship = (client: GithubClient): PullRequestHost["authorship"] => {
  const kept = new Map<number, { readonly key: string; readonly authorship: Authorship }>();
  const keep = (number: number, key: string, authorship: Authorship): void => {
    kept.delete(number);
    kept.set(number, { key, authorship });
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  };

  return async (number, signal) => {
    const asked = { pull_number: number };
    const pull = await client.ask("GET /repos/{owner}/{repo}/pulls/{pull_number}", asked, PULL, { signal });
    const key = [pull.head.sha, pull.base.ref, pull.commits].join(" ");
    const known = kept.get(number);
    const own = pull.user === null ? [] : [pull.user];
    if (known?.key === key) return { ...known.authorship, accounts: [...own, ...known.authorship.accounts] };
    const commits = new Map<string, Commit>();
    for await (const { items } of client.pages(
      "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits",
      asked,
      list(COMMIT),
      signal,
    )) {
      for (const each of items) commits.set(each.sha, each);
      if (commits.size >= MOST_COMMITS) break;
    }
    const authorship = authorshipOf([...commits.values()], pull.commits);
    keep(number, key, authorship);
    return { ...authorship, accounts: [...own, ...authorship.accounts] };
  };
};
