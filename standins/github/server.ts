/** One request from its arrival to its answer. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { actorOf, refuseAccess } from "./access.ts";
import { type Credentials, etagOf } from "./credentials.ts";
import type { Faults } from "./faults.ts";
import { degraded, instead, isSame, survives } from "./faulty.ts";
import type { Limiter } from "./limits.ts";
import type { Description, MatchedOperation, Matcher } from "./operations.ts";
import { pageOf } from "./pages.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Answer, Caller, Route, Routes } from "./route.ts";
import type { Body, World } from "./world.ts";

/** A request that came in. */
export interface SeenRequest {
  readonly method: string;
  /** Below the API's base, with its query; git's paths as they are. */
  readonly path: string;
  readonly body: Body | null;
  /** Whether it came with `If-None-Match`. */
  readonly conditional: boolean;
  /** By the stand-in's clock, milliseconds. */
  readonly at: number;
  /** null: it was not looked at. */
  readonly credential: Caller["kind"] | null;
  /** null: none was sent. */
  readonly status: number | null;
}

/** Something that does not follow GitHub's description. */
export interface Violation {
  readonly operation: string;
  readonly where: "request" | "answer" | "webhook";
  readonly problems: readonly string[];
}

export interface Service {
  readonly world: World;
  readonly routes: Routes;
  readonly match: Matcher;
  /** null: nothing is held against it. */
  readonly description: Description | null;
  readonly credentials: Credentials;
  readonly limiter: Limiter;
  readonly faults: Faults;
  readonly requests: SeenRequest[];
  readonly violations: Violation[];
  /** What each request was answered last, by "METHOD /path?query". */
  readonly answers: Map<string, Answer>;
  /** Settles when no push over HTTP is under way: what follows it is known then. */
  readonly pushed: { last: Promise<void> };
  readonly pageSize: number;
}

type Open = { -readonly [Key in keyof SeenRequest]: SeenRequest[Key] };

/** Answers a request below the API's base, `path` without it. */
export async function answerApi(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { world, requests } = service;
  const method = request.method ?? "GET";
  const conditional = request.headers["if-none-match"] !== undefined;
  const seen: Open = { method, path, body: null, conditional, at: world.clock.now(), credential: null, status: null };
  requests.push(seen);
  const bytes = await bodyOf(request);
  await service.pushed.last;
  const met = service.faults.meet(`${method} ${path}`);
  const fault = met?.fault ?? null;
  if (!(await survives(request, met))) return;
  const replaced = instead(fault, service.limiter.headers("installation"));
  const answer = replaced ?? handle(service, request, seen, bytes, new URL(world.apiUrl + path));
  if (fault?.kind === "lost") {
    request.socket.resetAndDestroy();
    return;
  }
  const before = service.answers.get(`${method} ${path}`);
  if (isSame(answer, fault, before)) met?.spare();
  const sent = degraded(answer, fault, before);
  if (replaced === null) service.answers.set(`${method} ${path}`, sent);
  seen.status = sent.status;
  send(service, request, response, sent);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function handle(service: Service, request: IncomingMessage, seen: Open, bytes: Buffer, url: URL): Answer {
  const path = url.pathname.slice(new URL(service.world.apiUrl).pathname.length);
  const operation = service.match(seen.method, path);
  if (operation === null) return violated(service, `${seen.method} ${path}`, "request", ["is not described"]);
  const route = service.routes[operation.name];
  if (route === undefined) return violated(service, operation.name, "request", ["is not answered here"]);
  const { name } = operation;
  let key = "anonymous";
  let answer: Answer;
  try {
    const body = parsedBody(bytes);
    seen.body = (body ?? null) as Body | null;
    const query = Object.fromEntries(url.searchParams);
    const problems = service.description?.request(operation, query, body) ?? [];
    if (problems.length > 0) return violated(service, name, "request", problems);
    if (request.headers["user-agent"] === undefined) throw new Refusal(403, "Request forbidden: no User-Agent header.");
    const caller = service.credentials.callerOf(request.headers.authorization);
    key = service.credentials.limitKey(caller);
    seen.credential = caller.kind;
    if (name !== "GET /rate_limit") service.limiter.count(key, seen.method !== "GET");
    answer = run(service, route, operation, caller, query, (body ?? {}) as Body, request.headers.accept ?? "");
    answer = conditionally(service, request, paged(answer, route, url, service.pageSize), key, seen.method);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    answer = { status: error.status, body: error.body, headers: error.headers };
  }
  const problems = answer.raw === undefined ? service.description?.answer(name, answer.status, answer.body) : undefined;
  if (problems !== undefined && problems.length > 0) return violated(service, name, "answer", problems);
  return { ...answer, headers: { ...service.limiter.headers(key), ...answer.headers } };
}

function run(
  { world }: Service,
  route: Route,
  operation: MatchedOperation,
  caller: Caller,
  query: Readonly<Record<string, string>>,
  body: Body,
  accept: string,
): Answer {
  const write = !operation.name.startsWith("GET ");
  refuseAccess(world, caller, route, operation.path, write);
  return route.run({
    world,
    caller,
    get actor() {
      return actorOf(world, caller);
    },
    path: operation.path,
    query,
    body,
    accept,
  });
}

function parsedBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
}

function paged(answer: Answer, { list }: Route, url: URL, pageSize: number): Answer {
  if (list === undefined || answer.status !== 200) return answer;
  const whole = answer.body as Body;
  const { items, link } = pageOf((list === "body" ? whole : whole[list]) as readonly unknown[], url, pageSize);
  const body = list === "body" ? items : { ...whole, [list]: items };
  return { ...answer, body, headers: { ...answer.headers, ...(link === null ? {} : { link }) } };
}

/** https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api: 304 does not count. */
function conditionally(
  service: Service,
  request: IncomingMessage,
  answer: Answer,
  key: string,
  method: string,
): Answer {
  if (method !== "GET" || answer.status !== 200) return answer;
  const content = answer.raw ?? `${JSON.stringify(answer.body)} ${answer.headers?.["link"] ?? ""}`;
  const etag = etagOf(content, request.headers.authorization);
  if (request.headers["if-none-match"] !== etag) return { ...answer, headers: { ...answer.headers, etag } };
  service.limiter.giveBack(key);
  return { status: 304, headers: { etag } };
}

function violated(service: Service, operation: string, where: Violation["where"], problems: readonly string[]): Answer {
  service.violations.push({ operation, where, problems });
  const message = `This ${where} of ${operation} does not follow GitHub's description: ${problems.join("; ")}`;
  return { status: 500, body: { message, documentation_url: "https://docs.github.com/rest" } };
}

function send({ world }: Service, request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (request.socket.destroyed) return;
  const content = answer.raw ?? (answer.body === undefined ? "" : JSON.stringify(answer.body));
  const headers = {
    date: new Date(world.clock.now()).toUTCString(),
    ...(content.length === 0 ? {} : { "content-type": "application/json; charset=utf-8" }),
    "x-github-media-type": "github.v3; format=json",
    "x-github-enterprise-version": "3.17.0",
    "x-github-request-id": randomUUID(),
    ...answer.headers,
  };
  response.writeHead(answer.status, headers).end(content);
}

/** GET /rate_limit needs no route's access, and does not count. */
export function limitRoute(limiter: Limiter, credentials: Credentials): Route {
  return {
    installation: [],
    user: "self",
    run: ({ caller }) => {
      if (caller.kind === "anonymous") throw notFound();
      return { status: 200, body: limiter.overview(credentials.limitKey(caller)) };
    },
  };
}
