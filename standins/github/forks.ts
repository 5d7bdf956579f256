import { rmSync } from "node:fs";
import { join } from "node:path";
import { git } from "../git/repository.ts";
import { configure } from "./git-work.ts";
import { closePull } from "./pulls.ts";
import { type Repository, userActor, type World } from "./world.ts";

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

/** Removes a fork: its pull requests are closed and keep their commits, but no longer say where they came from. */
export function deleteFork(world: World, owner: string): void {
  const fork = world.forks.get(owner);
  if (fork === undefined) throw new Error(`${owner} has no fork`);
  fork.deleted = true;
  world.forks.delete(owner);
  rmSync(fork.path, { recursive: true });
  for (const pull of world.pulls.values()) {
    if (pull.head.repository === fork) closePull(world, pull, userActor(owner));
  }
}
