import type { CatalogRepository } from "./catalog-repository.ts";
import { ancestry } from "./history.ts";
import { createHttpClient } from "./http-client.ts";
import { type Generation, openMirror } from "./mirror.ts";
import { isUnreadable } from "./objects.ts";
import { expectHead, pullRequestRef } from "./pull-request-ref.ts";
import { branchOf } from "./refs.ts";
import { remoteRef } from "./remote-refs.ts";

export interface RemoteOptions {
  readonly url: string;
  readonly ref: string | null;
  readonly stateDir: string;
  readonly token?: (() => Promise<string | null>) | undefined;
  readonly gitCommand: string | null;
  readonly idleMs: number;
  readonly maxPullRequestBytes?: number;
}

/** Each fetch leaves a pack, one for each head of a pull request too; above this many a new clone is better than the pile. */
const MAX_PACKS = 250;
const MAX_SEEN_HEADS = 10_000;
/** Whoever can open a pull request decides how much it brings; lab files are a few hundred bytes each. */
const MAX_PULL_REQUEST_BYTES = 64 * 1024 * 1024;

/** A repository behind http(s), mirrored in the state folder. */
export function remoteRepository(options: RemoteOptions): CatalogRepository {
  const { url, ref, stateDir, gitCommand, maxPullRequestBytes: maxAnswerBytes = MAX_PULL_REQUEST_BYTES } = options;
  const mirror = openMirror(stateDir, url, gitCommand);
  const client = (signal?: AbortSignal) => createHttpClient(url, { ...options, signal });
  /** Heads that were where the host said. Whoever asks for one again was told so again; its content cannot differ. */
  const seenHeads = new Set<string>();

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
    async branch(signal) {
      return branchOf((await remoteRef(client(signal), url, ref)).name);
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
    async readingHistory(read) {
      const generation = (await mirror.current()) ?? (await cloneAnew("recent"));
      const answer = await read(generation.objects);
      if (answer !== null || (await generation.shallow()).size === 0) return answer;
      return await read((await cloneAnew("all")).objects);
    },
    async readingHead(pullRequest, expectedHead, read, signal) {
      const http = createHttpClient(url, { ...options, signal, maxAnswerBytes });
      const key = `${pullRequest} ${expectedHead}`;
      const attempt = async (generation: Generation) => {
        const isHere = (await has(generation, expectedHead)) === true;
        if (!isHere || !seenHeads.has(key)) {
          const { name, oid } = await remoteRef(http, url, pullRequestRef(pullRequest));
          expectHead(pullRequest, oid, expectedHead);
          if (!isHere) await mirror.fetchBeside(http, generation, name);
          if (seenHeads.size >= MAX_SEEN_HEADS) seenHeads.clear();
          seenHeads.add(key);
        }
        return await read(generation.objects);
      };
      const firstAttempt = async (generation: Generation) => {
        try {
          return await attempt(generation);
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          return await attempt(await cloneAnew("recent", signal));
        }
      };
      const generation = (await mirror.current()) ?? (await cloneAnew("recent", signal));
      const answer = await firstAttempt(generation);
      if (answer !== null || (await generation.shallow()).size === 0) return answer;
      return await attempt(await cloneAnew("all", signal));
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
