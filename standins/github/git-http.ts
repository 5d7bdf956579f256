/** Cloning and pushing over HTTP: `git http-backend` behind GitHub's authentication. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Fault as GitFault, serveGit } from "../git/http-backend.ts";
import { actorOf, granted } from "./access.ts";
import type { Fault } from "./faults.ts";
import { instead, survives } from "./faulty.ts";
import { branches } from "./git-work.ts";
import { branchMoved } from "./pushes.ts";
import { Refusal } from "./refusal.ts";
import type { Caller } from "./route.ts";
import type { SeenRequest, Service } from "./server.ts";
import type { Actor, Repository, World } from "./world.ts";

/** `/OWNER/NAME.git/...`, with or without the `.git`. */
const PLACE = /^\/([^/]+)\/([^/]+?)(?:\.git)?\//;

/** `folder` holds OWNER/NAME.git. Resolves when the answer is sent and what a push moved is known. */
export async function answerGit(
  service: Service,
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { world } = service;
  const [method, path] = [request.method ?? "GET", request.url ?? "/"];
  const seen: SeenRequest = {
    method,
    path,
    body: null,
    conditional: false,
    at: world.clock.now(),
    credential: null,
    status: null,
  };
  const at = service.requests.push(seen) - 1;
  response.once("finish", () => {
    service.requests[at] = { ...seen, status: response.statusCode };
  });
  const met = service.faults.meet(`${method} ${path}`);
  if (!(await survives(request, met))) return;
  const replaced = instead(met?.fault ?? null, {});
  if (replaced !== null) {
    refuse(response, replaced.status, "Not now");
    return;
  }
  const admitted = admit(service, path, request.headers.authorization);
  if ("status" in admitted) {
    refuse(response, admitted.status, admitted.message);
    return;
  }
  const { repository, by } = admitted;
  request.url = path.replace(PLACE, `/${repository.owner}/${repository.name}.git/`);
  if (method !== "POST" || by === null) {
    await served(folder, request, response, degradedGit(met?.fault ?? null));
    return;
  }
  // One push after the other: what each moved is what is different after it.
  const turn = service.pushed.last.then(async () => {
    const before = branches(repository.path);
    await served(folder, request, response, null);
    const after = branches(repository.path);
    for (const branch of new Set([...before.keys(), ...after.keys()])) {
      branchMoved(world, repository, branch, before.get(branch) ?? null, after.get(branch) ?? null, by);
    }
  });
  service.pushed.last = turn.catch(() => undefined);
  await turn;
}

/** So much of an answer that it looks like the beginning of one. */
const HALF_BYTES = 40;

function degradedGit(fault: Fault | null): GitFault | null {
  if (fault?.kind === "empty") return { kind: "truncate", afterBytes: 0 };
  return fault?.kind === "half" ? { kind: "truncate", afterBytes: HALF_BYTES } : null;
}

async function served(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: GitFault | null,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    response.once("close", resolve);
  });
  serveGit(folder, request, response, fault);
  await closed;
}

/** Where a request may go and, when it is a push, whose it is; otherwise what it is told. */
function admit(
  { world, credentials }: Service,
  path: string,
  authorization: string | undefined,
):
  | { readonly repository: Repository; readonly by: Actor | null }
  | { readonly status: number; readonly message: string } {
  const [, owner = "", name = ""] = PLACE.exec(path) ?? [];
  const repository = repositoryOf(world, owner, name);
  let caller: Caller;
  try {
    caller = credentials.callerOf(authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: 401, message: "Invalid username or password." };
  }
  const anonymous = caller.kind === "anonymous";
  if (repository === null || !mayRead(world, caller, repository)) {
    return anonymous ? { status: 401, message: "Authentication required." } : { status: 404, message: "Not found." };
  }
  if (!path.includes("git-receive-pack")) return { repository, by: null };
  if (anonymous) return { status: 401, message: "Authentication required." };
  if (!mayPush(world, caller, repository)) return { status: 403, message: "Write access to repository not granted." };
  return { repository, by: actorOf(world, caller) };
}

function repositoryOf(world: World, owner: string, name: string): Repository | null {
  const all = [world.repository, ...world.forks.values()];
  const wanted = `${owner}/${name}`.toLowerCase();
  return all.find((one) => `${one.owner}/${one.name}`.toLowerCase() === wanted) ?? null;
}

function mayRead(world: World, caller: Caller, repository: Repository): boolean {
  if (!repository.private) return true;
  if (caller.kind === "installation") return !repository.fork && granted(caller.permissions, ["contents:read"]);
  return caller.kind === "user" && (world.people.may(caller.login, "read") || repository.owner === caller.login);
}

function mayPush(world: World, caller: Caller, repository: Repository): boolean {
  if (caller.kind === "installation") return !repository.fork && granted(caller.permissions, ["contents:write"]);
  if (caller.kind !== "user") return false;
  return repository.fork ? repository.owner === caller.login : world.people.may(caller.login, "write");
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const challenge = status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
  response.writeHead(status, { "content-type": "text/plain", ...challenge }).end(message);
}
