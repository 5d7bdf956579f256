/** Users, Apps and their installations as GitHub's REST API writes them. */

import { timestamp } from "./clock.ts";
import type { Account } from "./people.ts";
import { type Actor, type App, type Body, botOf, type World } from "./world.ts";

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString("base64url")}`;
}

/** `simple-user`. */
export function accountBody(world: World, login: string): Body {
  const { id, login: name, type }: Account = world.people.account(login);
  const url = `${world.apiUrl}/users/${encodeURIComponent(name)}`;
  return {
    login: name,
    id,
    node_id: nodeId("U", id),
    avatar_url: `${world.url}/avatars/u/${id}`,
    gravatar_id: "",
    url,
    html_url: `${world.url}/${encodeURIComponent(name)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  };
}

/** `public-user`, what GET /user answers to a token that may not read the profile. */
export function profileBody(world: World, login: string): Body {
  return {
    ...accountBody(world, login),
    name: null,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: timestamp(world.repository.createdAt),
    updated_at: timestamp(world.repository.createdAt),
  };
}

/** `integration`. */
export function appBody(world: World): Body {
  const { id, slug, name, permissions, events, createdAt }: App = world.app;
  return {
    id,
    slug,
    node_id: nodeId("A", id),
    client_id: `Iv1.${id}`,
    owner: accountBody(world, world.repository.owner),
    name,
    description: null,
    external_url: `${world.url}/apps/${slug}`,
    html_url: `${world.url}/apps/${slug}`,
    created_at: timestamp(createdAt),
    updated_at: timestamp(createdAt),
    permissions,
    events,
  };
}

/** `installation`. */
export function installationBody(world: World): Body {
  const { app, apiUrl, url, repository, people } = world;
  const owner = people.account(repository.owner);
  return {
    id: app.installationId,
    account: accountBody(world, repository.owner),
    repository_selection: "selected",
    access_tokens_url: `${apiUrl}/app/installations/${app.installationId}/access_tokens`,
    repositories_url: `${apiUrl}/installation/repositories`,
    html_url: `${url}/organizations/${repository.owner}/settings/installations/${app.installationId}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: owner.id,
    target_type: owner.type,
    permissions: app.permissions,
    events: app.events,
    created_at: timestamp(app.createdAt),
    updated_at: timestamp(app.createdAt),
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  };
}

/** How GitHub says an author belongs to the repository. */
export function association(world: World, actor: Actor): string {
  const { people, repository } = world;
  if (actor.login === repository.owner) return "OWNER";
  if (people.isOrganizationMember(actor.login)) return "MEMBER";
  if (people.roleOf(actor.login) !== null) return "COLLABORATOR";
  const merged = [...world.pulls.values()].some((pull) => pull.merged !== null && pull.author.login === actor.login);
  return merged ? "CONTRIBUTOR" : "NONE";
}

/** What the answer says of an App that made something with a token of its own. */
export function performedVia(world: World, actor: Actor): Body | null {
  return actor.app && actor.login === botOf(world.app).login ? appBody(world) : null;
}
