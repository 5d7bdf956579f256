/** What `doctor` says of GitHub: who labkeeper is there, what it may do, and whether deliveries can reach it. */

import type { Config } from "../../config.ts";
import { APP_EVENTS, permissionGaps } from "../../core/github-app.ts";
import { LabkeeperError } from "../../errors.ts";
import type { GithubEdges, Standing } from "../../wire-github.ts";
import { type Check, failed, ok, skipped, warning } from "./check.ts";

const nameOf = ({ github }: Config): string =>
  github === null ? "" : `${github.repository.owner}/${github.repository.name}`;

const repositoryCheck = (config: Config, standing: Standing): Check => {
  const who = standing.app === null ? "a token" : `the App ${standing.app.slug}`;
  const { fullName, archived } = standing.repository;
  const detail = `${who} on ${fullName}`;
  if (standing.app !== null && standing.app.suspendedAt !== null) {
    return failed("github", `${detail} is suspended`, "Lift the suspension in the installation's settings.");
  }
  if (archived) return failed("github", `${detail}, which is archived`, "Unarchive it, or name another repository.");
  return fullName.toLowerCase() === nameOf(config).toLowerCase()
    ? ok("github", detail)
    : warning(
        "github",
        `${detail}, renamed from ${nameOf(config)}`,
        "Set LABKEEPER_GITHUB_REPOSITORY to the new name.",
      );
};

const permissionsCheck = ({ app, repository }: Standing): Check => {
  const name = "github permissions";
  if (app === null) {
    const remedy = "Give the token's user write access; better, use an App: only that can make checks.";
    return repository.mayPush
      ? ok(name, "may write; only an App could make checks")
      : failed(name, "the token may not write to the repository", remedy);
  }
  const { missing, unneeded } = permissionGaps(app.permissions);
  if (missing.length > 0) {
    const remedy = "Add them in the App's settings, then accept them in its installation: `labkeeper github manifest`.";
    return failed(name, `missing: ${missing.join(", ")}`, remedy);
  }
  if (unneeded.length > 0) {
    return warning(name, `more than is needed: ${unneeded.join(", ")}`, "Take them away in the App's settings.");
  }
  return ok(name, "what is needed, and no more");
};

const webhooksCheck = ({ github, listen, pollSeconds }: Config, app: Standing["app"]): Check => {
  const name = "github webhooks";
  if (listen === null) return skipped(name, `not taken (LABKEEPER_LISTEN); GitHub is asked every ${pollSeconds} s`);
  const where = `${listen.host}:${listen.port}`;
  if (github?.webhookSecret === null) {
    return failed(name, `${where} takes none`, "Set LABKEEPER_GITHUB_WEBHOOK_SECRET to the webhook's secret.");
  }
  const missing = app === null ? [] : APP_EVENTS.filter((event) => !app.events.includes(event));
  return missing.length === 0
    ? ok(name, `taken at ${where}`)
    : warning(name, `the App does not subscribe to ${missing.join(", ")}`, "Add them in the App's settings.");
};

/** An App's JWT is refused beyond a minute; auth-app then corrects it, at the price of a request each time. */
const MOST_SKEW_MS = 30_000;

const clockCheck = ({ skewMs }: Standing): Check => {
  const name = "github clock";
  const words = `${Math.round(Math.abs(skewMs) / 1000)} s between this host and GitHub`;
  return Math.abs(skewMs) > MOST_SKEW_MS
    ? warning(name, words, "Synchronise this host's clock (NTP): GitHub refuses signatures that are off.")
    : ok(name, words);
};

const LEAST_SHARE = 0.1;

const rateCheck = ({ rate }: Standing): Check => {
  const name = "github rate limit";
  const detail = `${rate.remaining} of ${rate.limit} requests left until ${rate.resetAt.toISOString()}`;
  return rate.remaining < rate.limit * LEAST_SHARE
    ? warning(name, detail, "Find out who else uses these credentials; an App has a limit of its own.")
    : ok(name, detail);
};

/** One line when GitHub is not told of anything; else what it says of labkeeper, from three or four requests. */
export const checkGithub = async (config: Config, github: GithubEdges): Promise<readonly Check[]> => {
  if (config.github === null) {
    const detail = "nothing is told on pull requests: neither an App nor a token with a repository is set";
    const unused = warning("github webhooks", "only health is told there", "Set up the App: see docs/github.md.");
    return [skipped("github", detail), ...(config.listen === null ? [] : [unused])];
  }
  try {
    const standing = await github.standing();
    if (standing === null) return [];
    return [
      repositoryCheck(config, standing),
      permissionsCheck(standing),
      webhooksCheck(config, standing.app),
      clockCheck(standing),
      rateCheck(standing),
    ];
  } catch (error) {
    if (!(error instanceof LabkeeperError)) throw error;
    return [failed("github", `${error.code} ${error.message}`, error.remedy), webhooksCheck(config, null)];
  }
};
