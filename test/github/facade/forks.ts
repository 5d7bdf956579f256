import { join } from "node:path";
import { git } from "../../git-server.ts";
import { configure } from "./git-work.ts";
import type { Repository, World } from "./world.ts";

/** A user's fork, made when it is not there: a bare repository of its own. */
export function forkOf(world: World, folder: string, owner: string): Repository {
  const found = world.forks.get(owner);
  if (found !== undefined) return found;
  world.people.account(owner);
  const { name, path: source } = world.repository;
  const path = join(folder, owner, `${name}.git`);
  git(folder, ["clone", "--quiet", "--bare", source, path]);
  configure(path);
  const made = {
    ...world.repository,
    id: world.nextId(),
    owner,
    path,
    fork: true,
    createdAt: world.clock.now(),
  };
  world.forks.set(owner, made);
  return made;
}
