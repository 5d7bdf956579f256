/** Who may ask for what. Entries are GitHub logins, or teams as `ORGANISATION/TEAM`. */

import type { LabCommand } from "./comment-command.ts";
import type { CatalogPolicy, TeamPolicy } from "./types.ts";

/** The lab, or the hold's lab, that a command is about. */
export interface Concern {
  readonly team: string;
  readonly owner: string | null;
}

const of = (entries: readonly string[] | undefined): readonly string[] => entries ?? [];

const members = (team: TeamPolicy | undefined): readonly string[] =>
  team?.githubTeam === undefined ? [] : [team.githubTeam];

/** A team's own approvers; a team that names none is approved for by its GitHub team. */
export const approversOf = (team: TeamPolicy | undefined): readonly string[] => {
  const named = of(team?.approvers);
  return named.length > 0 ? named : members(team);
};

/** Whoever one of these is may give the command; nobody else. Null `concern`: the command is about no single lab. */
export const whoMay = (command: LabCommand, policy: CatalogPolicy, concern: Concern | null): readonly string[] => {
  const { operators, approvers } = policy.roles ?? {};
  const team = concern === null ? undefined : policy.teams.get(concern.team);
  switch (command.verb) {
    case "approve":
      return [...of(operators), ...of(approvers), ...approversOf(team)];
    case "retry":
    case "cancel":
    case "extend":
    case "destroy": {
      const owner = concern?.owner == null ? [] : [concern.owner];
      return [...of(operators), ...owner, ...members(team), ...of(team?.approvers)];
    }
    case "help":
    case "status":
    case "refused":
      return [
        ...of(operators),
        ...of(approvers),
        ...[...policy.teams.values()].flatMap((each) => [...members(each), ...of(each.approvers)]),
        ...(concern?.owner == null ? [] : [concern.owner]),
      ];
  }
};

/** GitHub's logins and slugs are the same in any case. */
export const isSameLogin = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

interface Account {
  readonly login: string;
  readonly id: number | null;
}

/** One and the same account by the id, which a rename keeps, or by the login, where an id was not recorded. */
export const isSameAccount = (a: Account, b: Account): boolean =>
  (a.id !== null && a.id === b.id) || isSameLogin(a.login, b.login);

/** `ORGANISATION/TEAM` in its parts; null for a login. */
export const teamEntry = (entry: string): { readonly organisation: string; readonly team: string } | null => {
  const [organisation, team, more] = entry.split("/");
  return organisation === undefined || team === undefined || more !== undefined ? null : { organisation, team };
};
