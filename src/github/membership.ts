import type { MembershipHost } from "../github-ports.ts";
import type { GithubClient } from "./client.ts";
import { anything, fields, list, Mismatch, type Shape, text } from "./shape.ts";

const PERMISSIONS = ["admin", "write", "read", "none"] as const;

const permission: Shape<(typeof PERMISSIONS)[number]> = (value, at) => {
  const found = PERMISSIONS.find((each) => each === value);
  if (found === undefined) throw new Mismatch(at, `one of ${PERMISSIONS.join(", ")}`);
  return found;
};

const TEAM = "/orgs/{org}/teams/{team_slug}";

export const githubMembership = (client: GithubClient): MembershipHost => ({
  isTeamMember: async (organisation, team, login, signal) => {
    const asked = { org: organisation, team_slug: team };
    const { value } = await client.attempt(
      `GET ${TEAM}/memberships/{username}`,
      { ...asked, username: login },
      fields({ state: text }),
      { signal, accept: [404] },
    );
    if (value !== null) return value.state === "active";
    // 404 also stands for a team that does not exist or may not be seen, which says nothing about its members.
    await client.ask(`GET ${TEAM}/members`, { ...asked, per_page: 1 }, list(anything), { signal });
    return false;
  },
  permission: async (login, signal) => {
    const route = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
    return (await client.ask(route, { username: login }, fields({ permission }), { signal })).permission;
  },
});
