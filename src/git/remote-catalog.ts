import type { CatalogRepository } from "./catalog-repository.ts";
import { ancestry } from "./history.ts";
import { createHttpClient } from "./http-client.ts";
import { type Generation, openMirror } from "./mirror.ts";
import { isUnreadable } from "./objects.ts";
import { remoteRef } from "./remote-refs.ts";

export interface RemoteOptions {
  readonly url: string;
  readonly ref: string | null;
  readonly stateDir: string;
  readonly token?: (() => Promise<string | null>) | undefined;
  readonly gitCommand: string | null;
  readonly idleMs: number;
}

/** Each fetch leaves a pack; above this many a new clone is cheaper to read than the pile. */
const MAX_PACKS = 50;

/** A repository behind http(s), mirrored in the state folder. */
export function remoteRepository(options: RemoteOptions): CatalogRepository {
  const { url, ref, stateDir, gitCommand } = options;
  const mirror = openMirror(stateDir, url, gitCommand);
  const client = (signal?: AbortSignal) => createHttpClient(url, { ...options, signal });

  const cloneAnew = async (history: "recent" | "all", signal?: AbortSignal): Promise<Generation> => {
    const http = client(signal);
    return (await mirror.clone(http, (await remoteRef(http, url, ref)).name, history)).generation;
  };

  /** Null when the generation is damaged. */
  const has = (generation: Generation, oid: string): Promise<boolean | null> =>
    generation.objects.hasCommit(oid).catch(() => null);

  return {
    async head(signal) {
      const http = client(signal);
      const wanted = await remoteRef(http, url, ref);
      const generation = await mirror.current();
      const known = generation === null ? null : await has(generation, wanted.oid);
      if (known === true) return wanted.oid;
      if (generation !== null && known === false && (await generation.packs()) < MAX_PACKS) {
        return await mirror.fetch(http, generation, wanted.name);
      }
      return (await mirror.clone(http, wanted.name, "recent")).commit;
    },
    async reading(read) {
      const generation = (await mirror.current()) ?? (await cloneAnew("recent"));
      try {
        return await read(generation.objects);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        return await read((await cloneAnew("recent")).objects);
      }
    },
    async isAncestor(ancestor, descendant) {
      if (ancestor === descendant) return true;
      const generation = (await mirror.current()) ?? (await cloneAnew("recent"));
      const shallow = await generation.shallow();
      const answer = await ancestry(generation.objects, ancestor, descendant, shallow);
      if (answer !== "unknown" || shallow.size === 0) return answer === "yes";
      const whole = await cloneAnew("all");
      return (await ancestry(whole.objects, ancestor, descendant, new Set())) === "yes";
    },
  };
}
