import { accountBody, appBody, installationBody, profileBody } from "./body-account.ts";
import { timestamp } from "./clock.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Routes } from "./route.ts";
import type { Body } from "./world.ts";

/** What a role is called by the older field `permission`, which knows four. */
const PERMISSION = { admin: "admin", maintain: "write", write: "write", triage: "read", read: "read" } as const;

export const peopleRoutes: Routes = {
  "GET /user": {
    installation: null,
    user: "self",
    run({ world, caller }) {
      if (caller.kind !== "user") throw new Refusal(403, "Resource not accessible by integration");
      return { status: 200, body: profileBody(world, caller.login) };
    },
  },
  "GET /orgs/{org}/teams/{team_slug}/members": {
    installation: ["members:read"],
    user: "self",
    list: "body",
    run({ world, path }) {
      const { org = "", team_slug: team = "" } = path;
      const logins = world.people.teamMembers(team);
      if (org.toLowerCase() !== world.repository.owner.toLowerCase() || logins === null) throw notFound();
      return { status: 200, body: logins.map((login) => accountBody(world, login)) };
    },
  },
  "GET /orgs/{org}/teams/{team_slug}/memberships/{username}": {
    installation: ["members:read"],
    user: "self",
    run({ world, path }) {
      const { org = "", team_slug: team = "", username = "" } = path;
      const member = world.people.teamMember(team, username);
      if (org.toLowerCase() !== world.repository.owner.toLowerCase() || member === null) throw notFound();
      const url = `${world.apiUrl}/organizations/1/team/1/memberships/${username}`;
      return { status: 200, body: { url, role: member.role, state: member.state } };
    },
  },
  "GET /repos/{owner}/{repo}/collaborators/{username}/permission": {
    installation: [],
    user: "read",
    run({ world, path }) {
      const { username = "" } = path;
      const account = world.people.known(username);
      if (account === null) throw new Refusal(404, `${username} is not a user`);
      const role = world.people.roleOf(username) ?? (world.repository.private ? null : "read");
      const user = {
        ...accountBody(world, account.login),
        permissions: {
          admin: role === "admin",
          maintain: role === "admin" || role === "maintain",
          push: role !== null && PERMISSION[role] !== "read",
          triage: role !== null && role !== "read",
          pull: role !== null,
        },
        role_name: role ?? "none",
      };
      const permission = role === null ? "none" : PERMISSION[role];
      return { status: 200, body: { permission, role_name: role ?? "none", user } };
    },
  },
};

/** What the App asks for as itself. Tokens are made by `issue`, which answers the token. */
export function appRoutes(
  issue: (permissions: Body | null) => {
    readonly token: string;
    readonly expiresAt: number;
    readonly permissions: Body;
  },
): Routes {
  const own = { installation: null, user: null, app: true } as const;
  return {
    "GET /app": { ...own, run: ({ world }) => ({ status: 200, body: appBody(world) }) },
    "GET /app/hook/config": {
      ...own,
      run: ({ world }) => ({
        status: 200,
        body: {
          content_type: "json",
          insecure_ssl: "0",
          secret: "********",
          ...(world.app.webhookUrl === null ? {} : { url: world.app.webhookUrl }),
        },
      }),
    },
    "GET /repos/{owner}/{repo}/installation": {
      ...own,
      run({ world }) {
        if (!world.app.installed) throw notFound();
        return { status: 200, body: installationBody(world) };
      },
    },
    "POST /app/installations/{installation_id}/access_tokens": {
      ...own,
      run({ world, path, body }) {
        const { app, repository } = world;
        if (Number(path["installation_id"]) !== app.installationId || !app.installed) throw notFound();
        const names = (body["repositories"] ?? [repository.name]) as readonly string[];
        const ids = (body["repository_ids"] ?? [repository.id]) as readonly number[];
        if (names.some((name) => name !== repository.name) || ids.some((id) => id !== repository.id)) {
          throw new Refusal(422, "There is at least one repository that does not exist or is not accessible.");
        }
        const asked = (body["permissions"] ?? null) as Body | null;
        for (const [name, level] of Object.entries(asked ?? {})) {
          const has = app.permissions[name];
          if (has === level || has === "write" || (has === "admin" && level !== undefined)) continue;
          throw new Refusal(422, "The permissions requested are not granted to this installation.");
        }
        const { token, expiresAt, permissions } = issue(asked);
        const selection = { repository_selection: "selected" };
        return { status: 201, body: { token, expires_at: timestamp(expiresAt), permissions, ...selection } };
      },
    },
  };
}
