/** Repositories as GitHub's REST API writes them. */

import { accountBody, nodeId } from "./body-account.ts";
import { timestamp } from "./clock.ts";
import type { Body, Repository, World } from "./world.ts";

/** What follows the repository's own URL in each `*_url`. */
const URLS: Readonly<Record<string, string>> = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
};

export function fullName({ owner, name }: Repository): string {
  return `${owner}/${name}`;
}

/** The repository's URL below the API's base. */
export function repositoryUrl(world: World, repository: Repository = world.repository): string {
  return `${world.apiUrl}/repos/${fullName(repository)}`;
}

export function htmlUrl(world: World, repository: Repository = world.repository): string {
  return `${world.url}/${fullName(repository)}`;
}

/** `repository`, and what `full-repository` and `minimal-repository` ask for beside it. */
export function repositoryBody(world: World, repository: Repository = world.repository): Body {
  const url = repositoryUrl(world, repository);
  const html = htmlUrl(world, repository);
  const created = timestamp(repository.createdAt);
  const open = [...world.pulls.values()].filter((pull) => pull.state === "open").length;
  const forks = repository.fork ? 0 : world.forks.size;
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: fullName(repository),
    owner: accountBody(world, repository.owner),
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    html_url: html,
    description: null,
    fork: repository.fork,
    url,
    ...Object.fromEntries(Object.entries(URLS).map(([name, rest]) => [name, `${url}${rest}`])),
    git_url: `git:${html.replace(/^https?:/, "")}.git`,
    ssh_url: `git@127.0.0.1:${fullName(repository)}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    topics: [],
    custom_properties: {},
    default_branch: repository.defaultBranch,
    archived: false,
    disabled: false,
    is_template: false,
    allow_forking: true,
    web_commit_signoff_required: false,
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: true,
    has_discussions: false,
    size: 1,
    forks,
    forks_count: forks,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    open_issues: repository.fork ? 0 : open,
    open_issues_count: repository.fork ? 0 : open,
    created_at: created,
    updated_at: created,
    pushed_at: created,
  };
}

/** `full-repository`, with what the asker may do. */
export function fullRepositoryBody(world: World, permissions: Body | null): Body {
  return {
    ...repositoryBody(world),
    ...(permissions === null ? {} : { permissions }),
    network_count: world.forks.size,
    subscribers_count: 0,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
  };
}
