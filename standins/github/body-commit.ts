/** Commits as GitHub's REST API writes them. */

import { nodeId } from "./body-account.ts";
import { comparedBase } from "./body-pull.ts";
import { htmlUrl, repositoryUrl } from "./body-repository.ts";
import { commitsBetween, readCommit } from "./git-work.ts";
import { commitPerson } from "./pulls.ts";
import type { Body, PullRequest, World } from "./world.ts";

/** `commit`. */
export function commitBody(world: World, commit: string): Body {
  const { tree, parents, message, ...lines } = readCommit(world.repository.path, commit);
  const [author, committer] = [commitPerson(world, lines.author), commitPerson(world, lines.committer)];
  const url = `${repositoryUrl(world)}/commits/${commit}`;
  return {
    sha: commit,
    node_id: nodeId("C", Number.parseInt(commit.slice(0, 8), 16)),
    url,
    html_url: `${htmlUrl(world)}/commit/${commit}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${repositoryUrl(world)}/git/commits/${commit}`,
      author: author.text,
      committer: committer.text,
      message: message.trimEnd(),
      comment_count: 0,
      tree: { sha: tree, url: `${repositoryUrl(world)}/git/trees/${tree}` },
      verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
    },
    author: author.account,
    committer: committer.account,
    parents: parents.map((sha) => ({
      sha,
      url: `${repositoryUrl(world)}/commits/${sha}`,
      html_url: `${htmlUrl(world)}/commit/${sha}`,
    })),
  };
}

/** A pull request's own commits, oldest first. */
export function commitBodies(world: World, pull: PullRequest): readonly Body[] {
  const commits = commitsBetween(world.repository.path, comparedBase(world, pull), pull.head.sha);
  return commits.map((commit) => commitBody(world, commit));
}
