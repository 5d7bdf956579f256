/** What labkeeper asks for at GitHub, and why: the least that does what it does. docs/github.md says the same. */

/** By GitHub's names. `contents`, `pull_requests` and the others are of the repository, `members` of the organisation. */
export const APP_PERMISSIONS: Readonly<Record<string, "read" | "write">> = {
  checks: "write",
  contents: "write",
  issues: "read",
  members: "read",
  metadata: "read",
  pull_requests: "write",
  statuses: "write",
};

export const APP_EVENTS: readonly string[] = ["issue_comment", "pull_request", "push"];

export interface AppWishes {
  readonly name: string;
  /** A page about it. */
  readonly url: string;
  /** Where deliveries go; null: it takes none, and looks by itself. */
  readonly webhookUrl: string | null;
}

const LONGEST_LOGIN = 39;

/**
 * What keeps a text from being a login, in a sentence; null: nothing does. The rules are those that GitHub names where
 * one is chosen: letters, digits and single hyphens inside, at most 39 characters.
 */
export const loginProblem = (login: string): string | null => {
  if (login === "") return "a login has at least one character";
  if (!/^[a-z\d-]*$/i.test(login))
    return "a login has letters, digits and hyphens only: the name alone, not its address";
  if (login.startsWith("-") || login.endsWith("-") || login.includes("--"))
    return "a login's hyphens stand alone between letters or digits";
  return login.length > LONGEST_LOGIN ? `a login has at most ${LONGEST_LOGIN} characters` : null;
};

const DESCRIPTION = "Shows on pull requests what becomes of labs, before the merge and after.";

/** docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest */
export const appManifest = ({ name, url, webhookUrl }: AppWishes): object => ({
  name,
  url,
  description: DESCRIPTION,
  public: false,
  // GitHub asks for an address even of a hook that is not active.
  hook_attributes: { url: webhookUrl ?? url, active: webhookUrl !== null },
  default_permissions: APP_PERMISSIONS,
  default_events: webhookUrl === null ? [] : APP_EVENTS,
});

/**
 * A page of GitHub with everything filled in: docs.github.com/en/apps/sharing-github-apps/
 * registering-a-github-app-using-url-parameters. `organisation` null: the App belongs to whoever opens it.
 */
export const appRegistrationUrl = (
  { name, url, webhookUrl }: AppWishes,
  webUrl: string,
  organisation: string | null,
): string => {
  const owner = organisation === null ? "" : `/organizations/${encodeURIComponent(organisation)}`;
  const page = new URL(`${webUrl}${owner}/settings/apps/new`);
  const values: readonly (readonly [string, string])[] = [
    ["name", name],
    ["url", url],
    ["description", DESCRIPTION],
    ["public", "false"],
    ["webhook_active", String(webhookUrl !== null)],
    ...(webhookUrl === null ? [] : [["webhook_url", webhookUrl] as const]),
    ...Object.entries(APP_PERMISSIONS),
    ...(webhookUrl === null ? [] : APP_EVENTS.map((event) => ["events[]", event] as const)),
  ];
  for (const [key, value] of values) page.searchParams.append(key, value);
  return page.href;
};

const RANK = ["none", "read", "write", "admin"];
const rank = (level: string | undefined): number => RANK.indexOf(level ?? "none");

/** What was granted, held against what is needed; each as `contents: write`. */
export const permissionGaps = (
  granted: Readonly<Record<string, string>>,
): { readonly missing: readonly string[]; readonly unneeded: readonly string[] } => ({
  missing: Object.entries(APP_PERMISSIONS)
    .filter(([name, level]) => rank(granted[name]) < rank(level))
    .map(([name, level]) => `${name}: ${level}`),
  unneeded: Object.entries(granted)
    .filter(([name, level]) => rank(level) > rank(APP_PERMISSIONS[name]))
    .map(([name, level]) => `${name}: ${level}`),
});
