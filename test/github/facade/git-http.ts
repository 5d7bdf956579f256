/** Cloning and pushing over HTTP: `git http-backend` behind GitHub's authentication. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { serveGit } from "../../git-server.ts";
import { actorOf, granted } from "./access.ts";
import { branches } from "./git-work.ts";
import { branchMoved } from "./pushes.ts";
import { Refusal } from "./refusal.ts";
import type { Caller } from "./route.ts";
import type { Service } from "./server.ts";
import { type Repository, userActor, type World } from "./world.ts";

/** `folder` holds OWNER/NAME.git. Resolves when the answer is sent and what a push moved is known. */
export async function answerGit(
  service: Service,
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { world, credentials } = service;
  const url = new URL(request.url ?? "/", world.url);
  const seen = { method: request.method ?? "GET", path: request.url ?? "/", body: null, conditional: false };
  service.requests.push({ ...seen, at: world.clock.now(), status: null });
  const fault = service.faults.meet(`${seen.method} ${seen.path}`)?.fault ?? null;
  if (fault?.kind === "hang") return;
  if (fault?.kind === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === "status") return refuse(response, fault.status, "Not now");
  const [, owner = "", name = ""] = /^\/([^/]+)\/([^/]+?)(?:\.git)?\//.exec(url.pathname) ?? [];
  const repository = repositoryOf(world, owner, name);
  const pushes = `${url.pathname}${url.search}`.includes("git-receive-pack");
  let caller: Caller;
  try {
    caller = credentials.callerOf(request.headers.authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(response, 401, "Invalid username or password.");
  }
  const known = caller.kind !== "anonymous";
  if (repository === null || !mayRead(world, caller, repository)) {
    return known ? refuse(response, 404, "Repository not found.") : refuse(response, 401, "Authentication required.");
  }
  if (pushes && !known) return refuse(response, 401, "Authentication required.");
  if (pushes && !mayPush(world, caller, repository)) {
    return refuse(response, 403, "Write access to repository not granted.");
  }
  request.url =
    request.url?.replace(/^\/([^/]+)\/([^/]+?)(?:\.git)?\//, `/${repository.owner}/${repository.name}.git/`) ?? "/";
  const before = pushes ? branches(repository.path) : null;
  const finished = new Promise<void>((resolve) => {
    response.once("finish", resolve);
    response.once("close", resolve);
  });
  serveGit(folder, request, response, null);
  await finished;
  if (before === null) return;
  const after = branches(repository.path);
  const by = caller.kind === "user" ? userActor(caller.login) : actorOf(world, caller);
  for (const branch of new Set([...before.keys(), ...after.keys()])) {
    branchMoved(world, repository, branch, before.get(branch) ?? null, after.get(branch) ?? null, by);
  }
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
