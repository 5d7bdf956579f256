/** Who may call what. */

import { notFound, Refusal } from "./refusal.ts";
import type { Caller, Route } from "./route.ts";
import { type Actor, botOf, userActor, type World } from "./world.ts";

const LEVELS = ["read", "write", "admin"];

/** Throws GitHub's refusal when the caller may not use the route on this repository. */
export function refuseAccess(
  world: World,
  caller: Caller,
  route: Route,
  path: Readonly<Record<string, string>>,
  write: boolean,
): void {
  if (route.app === true) {
    if (caller.kind !== "app") throw new Refusal(401, "A JSON web token could not be decoded");
    refuseRepository(world, path);
    return;
  }
  if (caller.kind === "app") throw new Refusal(401, "Bad credentials");
  refuseRepository(world, path);
  if (caller.kind === "anonymous") {
    if (path["repo"] !== undefined && world.repository.private) throw notFound();
    if (write || route.user === "self") throw new Refusal(401, "Requires authentication");
  } else if (caller.kind === "installation") {
    if (route.installation === null) throw new Refusal(403, "Resource not accessible by integration");
    if (!granted(caller.permissions, route.installation)) {
      throw new Refusal(403, "Resource not accessible by integration");
    }
  } else {
    refuseUser(world, caller.login, route, path["repo"] !== undefined);
  }
}

function refuseRepository(world: World, { owner, repo }: Readonly<Record<string, string>>): void {
  if (owner === undefined || repo === undefined) return;
  const wanted = `${world.repository.owner}/${world.repository.name}`.toLowerCase();
  if (`${owner}/${repo}`.toLowerCase() !== wanted) throw notFound();
}

function refuseUser(world: World, login: string, route: Route, inRepository: boolean): void {
  if (inRepository && world.repository.private && !world.people.may(login, "read")) throw notFound();
  if (route.user === null) throw new Refusal(403, "You must authenticate via a GitHub App.");
  if (route.user === "write" && !world.people.may(login, "write")) {
    throw new Refusal(403, "Must have push access to the repository");
  }
}

/** Whether one of the needs, such as "checks:write", is met; write holds read. */
export function granted(permissions: Readonly<Record<string, string>>, needs: readonly string[]): boolean {
  if (needs.length === 0) return true;
  return needs.some((need) => {
    const [name = "", level = ""] = need.split(":");
    return LEVELS.indexOf(permissions[name] ?? "") >= LEVELS.indexOf(level);
  });
}

/** Who a caller's writes are by. */
export function actorOf(world: World, caller: Caller): Actor {
  if (caller.kind === "user") return userActor(caller.login);
  if (caller.kind === "installation") return botOf(world.app);
  throw new Refusal(401, "Requires authentication");
}
