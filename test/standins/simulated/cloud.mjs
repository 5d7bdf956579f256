/** The stand-in's cloud: one file a resource, with its tags, in the folder STANDIN_CLOUD. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = () => {
  const path = process.env.STANDIN_CLOUD;
  if (!path) throw new Error("STANDIN_CLOUD is not set");
  mkdirSync(path, { recursive: true });
  return path;
};

const fileOf = (infraID, name) => join(folder(), `${infraID}--${name}.json`);

export function put(resource) {
  const path = fileOf(resource.infraID, resource.name);
  writeFileSync(`${path}.tmp`, JSON.stringify(resource, null, 1));
  renameSync(`${path}.tmp`, path);
  return path;
}

export function all() {
  return readdirSync(folder())
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        return [{ ...JSON.parse(readFileSync(join(folder(), name), "utf8")), path: join(folder(), name) }];
      } catch {
        return [];
      }
    });
}

export const find = (infraID, name) =>
  all().find((resource) => resource.infraID === infraID && resource.name === name) ?? null;

export const remove = (resource) => rmSync(resource.path, { force: true });

/** A resource matches when all tags of one of the filters are among its own. */
export const matching = (filters) =>
  all().filter(({ tags = {} }) =>
    filters.some((filter) => Object.entries(filter).every(([key, value]) => tags[key] === value)),
  );
