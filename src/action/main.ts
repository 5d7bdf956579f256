import { appendFileSync } from "node:fs";
import type { CatalogEntry } from "../core/types.ts";
import { changesSince } from "../git/changes-since.ts";
import { checkedOut } from "../git/checked-out.ts";
import { checkout } from "../local/checkout.ts";
import { profileFolder } from "../local/profiles.ts";
import type { Environment } from "./inputs.ts";
import { run } from "./run.ts";

/**
 * The GitHub Action `actions/validate`. `profiles` are those that labkeeper ships, by file name: scripts/bundle-action.ts
 * puts them into the bundle, which has no package around it.
 */
export const main = async (environment: Environment, profiles: Readonly<Record<string, string>>): Promise<void> => {
  const shippedProfiles = Object.entries(profiles).map(
    ([name, text]): CatalogEntry => ({ path: `profiles/${name}`, kind: "file", blobOid: "", bytes: Buffer.from(text) }),
  );
  const edges = {
    checkout: async (folder: string) => checkout(folder),
    changesSince: (folder: string, base: string) => changesSince(folder, base),
    checkedOut: (folder: string) => checkedOut(folder),
    profileFolder,
  };
  process.exitCode = await run(edges, {
    environment,
    workingFolder: process.cwd(),
    shippedProfiles,
    now: new Date(),
    out: (line) => console.log(line),
    append: (path, text) => appendFileSync(path, text),
  });
};
