/** Users, teams and who may do what. */

export type Role = "admin" | "maintain" | "write" | "triage" | "read";
export type AccountType = "User" | "Organization" | "Bot";

export interface Account {
  readonly id: number;
  /** Its login of now. */
  readonly login: string;
  readonly type: AccountType;
}

export interface TeamMember {
  readonly role: "member" | "maintainer";
  readonly state: "active" | "pending";
}

const RANK: readonly Role[] = ["read", "triage", "write", "maintain", "admin"];

export interface People {
  /** The account of this login, made when there is none yet. */
  account(login: string, type?: AccountType): Account;
  /** GitHub compares logins without case. Null for one that an account had once. */
  known(login: string): Account | null;
  knownById(id: number): Account | null;
  /** null takes the permission away. */
  setRole(login: string, role: Role | null): void;
  roleOf(login: string): Role | null;
  /** Whether the user's role on the repository is this one or a higher one. */
  may(login: string, role: Role): boolean;
  /** null takes the user out of the team. */
  setTeamMember(team: string, login: string, member: TeamMember | null): void;
  teamExists(team: string): boolean;
  teamMember(team: string, login: string): TeamMember | null;
  /** Logins of the active ones; null when there is no such team. */
  teamMembers(team: string): readonly string[] | null;
  setOrganizationMember(login: string, member: boolean): void;
  isOrganizationMember(login: string): boolean;
  /** The same account under another login: rights and memberships stay, the old login names nobody any more. */
  rename(from: string, to: string): void;
}

export function createPeople(): People {
  type Known = { -readonly [Key in keyof Account]: Account[Key] };
  /** By every login that an account ever had. */
  const accounts = new Map<string, Known>();
  const roles = new Map<string, Role>();
  const teams = new Map<string, Map<string, TeamMember>>();
  const members = new Set<string>();
  const key = (login: string): string => login.toLowerCase();
  return {
    account(login, type = login.endsWith("[bot]") ? "Bot" : "User") {
      const found = accounts.get(key(login));
      if (found !== undefined) return found;
      const made: Known = { id: 1000 + accounts.size, login, type };
      accounts.set(key(login), made);
      return made;
    },
    known(login) {
      const found = accounts.get(key(login));
      return found !== undefined && key(found.login) === key(login) ? found : null;
    },
    knownById: (id) => [...accounts.values()].find((account) => account.id === id) ?? null,
    setRole(login, role) {
      this.account(login);
      if (role === null) roles.delete(key(login));
      else roles.set(key(login), role);
    },
    roleOf: (login) => roles.get(key(login)) ?? null,
    may(login, role) {
      const has = roles.get(key(login));
      return has !== undefined && RANK.indexOf(has) >= RANK.indexOf(role);
    },
    setTeamMember(team, login, member) {
      this.account(login);
      const list = teams.get(team) ?? new Map<string, TeamMember>();
      teams.set(team, list);
      if (member === null) list.delete(key(login));
      else {
        list.set(key(login), member);
        members.add(key(login));
      }
    },
    teamExists: (team) => teams.has(team),
    teamMembers(team) {
      const list = teams.get(team);
      if (list === undefined) return null;
      return [...list].filter(([, { state }]) => state === "active").map(([login]) => login);
    },
    teamMember: (team, login) => teams.get(team)?.get(key(login)) ?? null,
    setOrganizationMember(login, member) {
      this.account(login);
      if (member) members.add(key(login));
      else members.delete(key(login));
    },
    isOrganizationMember: (login) => members.has(key(login)),
    rename(from, to) {
      const account = accounts.get(key(from));
      if (account === undefined || accounts.has(key(to))) throw new Error(`${from} cannot be renamed to ${to}`);
      account.login = to;
      accounts.set(key(to), account);
      for (const kept of [roles, ...teams.values()] as Map<string, unknown>[]) {
        const value = kept.get(key(from));
        if (kept.delete(key(from))) kept.set(key(to), value);
      }
      if (members.delete(key(from))) members.add(key(to));
    },
  };
}
