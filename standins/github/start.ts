/**
 * A stand-in for GitHub, for tests and the demo: no server of GitHub's can be had for them. It has only the operations
 * that labkeeper calls, over a real bare repository. openapi/start-checked.ts holds all that passes through it against
 * GitHub's own description.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type BareRepository, temporaryFolder } from "../git/repository.ts";
import { type Clock, createClock } from "./clock.ts";
import { appKeys, createCredentials } from "./credentials.ts";
import { createFaults, type Faults } from "./faults.ts";
import { answerGit } from "./git-http.ts";
import { createHands, type Hands } from "./hands.ts";
import { createLimiter, type Limits } from "./limits.ts";
import { createWorld, type GitHubOptions } from "./new-world.ts";
import { matcher } from "./operations.ts";
import type { Role, TeamMember } from "./people.ts";
import { checkRoutes } from "./routes-checks.ts";
import { commentRoutes } from "./routes-comments.ts";
import { contentRoutes } from "./routes-contents.ts";
import { appRoutes, peopleRoutes } from "./routes-people.ts";
import { pullRoutes } from "./routes-pulls.ts";
import { refRoutes } from "./routes-refs.ts";
import { statusRoutes } from "./routes-statuses.ts";
import { answerApi, limitRoute, type SeenRequest, type Violation } from "./server.ts";
import { payloadOf, pingBody } from "./webhook-bodies.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";

export type { GitHubOptions };

export interface GitHubFacade extends Hands {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `http://127.0.0.1:PORT/api/v3`, as a GitHub Enterprise Server has it. */
  readonly apiUrl: string;
  /** git over HTTP; takes an installation's or a user's token as password. */
  readonly cloneUrl: string;
  readonly owner: string;
  readonly name: string;
  /** The bare repository itself. Commits made here by hand are no push: nobody is told. */
  readonly repository: BareRepository;
  readonly app: {
    readonly id: number;
    readonly slug: string;
    readonly installationId: number;
    /** PEM, PKCS#1, as GitHub hands it out. */
    readonly privateKey: string;
    readonly webhookSecret: string;
    /** `slug[bot]`. */
    readonly login: string;
  };
  /** A personal access token of `labkeeper-bot`, a user who may write. */
  readonly token: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly webhooks: Webhooks;
  /** Every request so far, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** What did not follow GitHub's description. */
  readonly violations: readonly Violation[];
  /** Answers the violations and forgets them, for tests that make them. */
  takeViolations(): readonly Violation[];
  /** A personal access token of any user; give the user a role for it to be of use. */
  createToken(login: string, scopes?: readonly string[]): string;
  revokeToken(token: string): void;
  /** null takes the permission away. */
  setPermission(login: string, role: Role | null): void;
  /** Default: an active member, who belongs to the organization then. */
  addTeamMember(team: string, login: string, member?: TeamMember): void;
  removeTeamMember(team: string, login: string): void;
  setOrganizationMember(login: string, member: boolean): void;
  /** The same user under another login. */
  renameUser(from: string, to: string): void;
  /** Replaces what the installation grants; tokens issued before keep what they had. */
  setAppPermissions(permissions: Readonly<Record<string, string>>): void;
  setAppEvents(events: readonly string[]): void;
  /** Takes the App from the repository, with its tokens, or puts it back. */
  setAppInstalled(installed: boolean): void;
  /** Resolves when pushes over HTTP and deliveries that are under way are done. */
  settled(): Promise<void>;
  /** Throws when a request, an answer or a webhook did not follow GitHub's description. */
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1, with a first commit on `main`. */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHubFacade> {
  const { description = null } = options;
  const folder = options.folder === undefined ? temporaryFolder() : { path: options.folder, remove: () => undefined };
  const clock = createClock(options.now);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { world, bare } = createWorld(folder.path, url, clock, options);

  const violations: Violation[] = [];
  const requests: SeenRequest[] = [];
  const webhookSecret = "facade-webhook-secret";
  const webhooks = createWebhooks({
    secret: webhookSecret,
    subscribed: (event) => event === "ping" || world.app.events.includes(event),
    ping: () => pingBody(world),
    onTarget: (target) => {
      world.app.webhookUrl = target;
    },
    description,
    onViolation: (operation, problems) => violations.push({ operation, where: "webhook", problems }),
  });
  world.emit = (event, action, body, sender) =>
    webhooks.emit(event, action, () => payloadOf(world, action, body(), sender));
  const credentials = createCredentials(world);
  const limiter = createLimiter(clock);
  const faults = createFaults();
  const pushed = { last: Promise.resolve() };
  const routes = {
    ...refRoutes,
    ...pullRoutes,
    ...commentRoutes,
    ...checkRoutes,
    ...statusRoutes,
    ...contentRoutes,
    ...peopleRoutes,
    ...appRoutes((permissions) => credentials.issue(permissions)),
    "GET /rate_limit": limitRoute(limiter, credentials),
  };
  const match = matcher(description?.operations ?? Object.keys(routes));
  const asked = { requests, violations, answers: new Map() };
  const service = { world, routes, match, description, credentials, limiter, faults, pushed, ...asked };
  const failures: unknown[] = [];
  server.on("request", (request, response) => {
    const path = request.url ?? "/";
    const answered = path.startsWith("/api/v3/")
      ? answerApi(service, request, response, path.slice("/api/v3".length))
      : answerGit(service, folder.path, request, response);
    answered.catch((error: unknown) => {
      failures.push(error);
      request.socket.destroy();
    });
  });
  world.people.setRole("labkeeper-bot", "write");
  const token = credentials.createToken("labkeeper-bot");

  return {
    ...createHands(world, folder.path),
    url,
    apiUrl: world.apiUrl,
    cloneUrl: `${url}/${world.repository.owner}/${world.repository.name}.git`,
    owner: world.repository.owner,
    name: world.repository.name,
    repository: bare,
    app: {
      id: world.app.id,
      slug: world.app.slug,
      installationId: world.app.installationId,
      privateKey: appKeys().privateKey,
      webhookSecret,
      login: `${world.app.slug}[bot]`,
    },
    token,
    clock,
    faults,
    limits: limiter,
    webhooks,
    requests,
    violations,
    takeViolations: () => violations.splice(0),
    createToken: (login, scopes) => credentials.createToken(login, scopes),
    revokeToken: (wanted) => credentials.revoke(wanted),
    setPermission: (login, role) => world.people.setRole(login, role),
    addTeamMember(team, login, member = { role: "member", state: "active" }) {
      world.people.setTeamMember(team, login, member);
    },
    removeTeamMember: (team, login) => world.people.setTeamMember(team, login, null),
    setOrganizationMember: (login, member) => world.people.setOrganizationMember(login, member),
    renameUser: (from, to) => world.people.rename(from, to),
    setAppPermissions(permissions) {
      world.app.permissions = permissions;
    },
    setAppEvents(events) {
      world.app.events = events;
    },
    setAppInstalled(installed) {
      world.app.installed = installed;
    },
    async settled() {
      await pushed.last;
      await webhooks.settled();
    },
    async stop() {
      faults.clear();
      await webhooks.settled();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pushed.last;
      folder.remove();
      if (failures.length > 0) throw new AggregateError(failures, "The stand-in for GitHub failed");
      if (violations.length > 0) throw new Error(`Not as GitHub describes it:\n${JSON.stringify(violations, null, 2)}`);
    },
  };
}
