import { join } from "node:path";
import type { CatalogRepository } from "./catalog-repository.ts";
import { ancestry } from "./history.ts";
import { findRepository, type RepositoryFolders, readText } from "./local-repository.ts";
import { type Objects, openObjects } from "./objects.ts";
import { expectHead, pullRequestRef } from "./pull-request-ref.ts";
import { branchNamed, branchOf, resolveRef } from "./refs.ts";

/** A repository on this machine, read in place: never written to, never copied. */
export function localRepository(path: string, ref: string | null, gitCommand: string | null): CatalogRepository {
  let open: { readonly folders: RepositoryFolders; readonly objects: Objects } | null = null;

  const look = async (): Promise<{ folders: RepositoryFolders; objects: Objects }> => {
    const folders = await findRepository(path);
    if (open?.folders.common !== folders.common) {
      open = { folders, objects: openObjects({ gitdir: folders.common, gitCommand }) };
    }
    return { folders, objects: open.objects };
  };

  return {
    async head(signal) {
      signal?.throwIfAborted();
      const { folders, objects } = await look();
      return await objects.peel(await resolveRef(folders, ref));
    },
    async branch() {
      const { folders } = await look();
      if (ref !== null && ref !== "HEAD") return await branchNamed(folders, ref);
      return branchOf(/^ref: (\S+)$/.exec((await readText(join(folders.gitdir, "HEAD")))?.trim() ?? "")?.[1] ?? "");
    },
    async reading(read) {
      return await read((await look()).objects);
    },
    async readingHistory(read) {
      return await read((await look()).objects);
    },
    async readingHead(pullRequest, expectedHead, read, signal) {
      signal?.throwIfAborted();
      const { folders, objects } = await look();
      expectHead(pullRequest, await resolveRef(folders, pullRequestRef(pullRequest)), expectedHead);
      return await read(objects);
    },
    async isAncestor(ancestor, descendant) {
      if (ancestor === descendant) return true;
      const { folders, objects } = await look();
      const shallow = (await readText(join(folders.common, "shallow"))) ?? "";
      return (await ancestry(objects, ancestor, descendant, new Set(shallow.split("\n")))) === "yes";
    },
  };
}
