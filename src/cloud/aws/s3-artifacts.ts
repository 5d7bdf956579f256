/** Artifacts in S3: encrypted with KMS, never replaced, checked when read. What the bucket needs: docs/adr/0020-aws-stores.md. */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { checked } from "../../core/checksum.ts";
import { isStoreKey } from "../../core/store-key.ts";
import { LabkeeperError } from "../../errors.ts";
import type { ArtifactStore } from "../../ports.ts";
import { type BucketPlace, type Content, checksumOfBytes, s3Bucket } from "./s3-bucket.ts";
import { CHUNK, chunkedLogs } from "./s3-log.ts";

export interface S3Artifacts extends BucketPlace {
  /** What every object's name begins with, without slashes at its ends; empty: nothing. */
  readonly prefix: string;
  /** Least time between two objects of one log, milliseconds. */
  readonly appendIntervalMs?: number;
}

/** A link is handed to a person who clicks it now; longer ones end up in histories and chats. */
const LONGEST_LINK_SECONDS = 900;

/** Rejects with LK6001 (also for keys that are not allowed, as a stop), LK6101 to LK6108. */
export function s3Artifacts(settings: S3Artifacts): ArtifactStore {
  const bucket = s3Bucket(settings);
  const logs = chunkedLogs(bucket, settings.appendIntervalMs ?? 1000);
  const root = settings.prefix === "" ? "" : `${settings.prefix}/`;

  const nameOf = (key: string): string => {
    if (isStoreKey(key)) return `${root}${key}`;
    throw refused(`key ${JSON.stringify(key.slice(0, 200))} is not allowed`);
  };
  const create = async (key: string, content: Content, checksum: ReturnType<typeof checksumOfBytes>): Promise<void> => {
    if ((await bucket.create(nameOf(key), content, checksum)) !== "taken") return;
    throw new LabkeeperError("LK6106", `${key} in s3://${settings.bucket}/${settings.prefix}`);
  };
  /** Names of objects of a key or of keys below it, chunks of logs too. */
  const namesUnder = async (prefix: string): Promise<readonly string[]> => {
    const name = nameOf(prefix);
    const isUnder = (found: string): boolean =>
      found === name || found.startsWith(`${name}/`) || found.startsWith(`${name}~/`);
    return (await bucket.list(name)).map((object) => object.name).filter(isUnder);
  };

  return {
    put: async (key, bytes) => create(key, bytes, checksumOfBytes(bytes)),

    putFile: async (key, path, expected) => {
      try {
        await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        const end = Math.max(0, expected.size - 1);
        const content = () => checked(file.createReadStream({ start: 0, end, autoClose: false }), expected);
        await create(key, content, expected);
      } catch (error) {
        if (error instanceof LabkeeperError) throw error;
        const why = (error as NodeJS.ErrnoException).code ?? "unknown error";
        throw new LabkeeperError("LK6001", `cannot read ${path} (${why})`, { cause: error });
      }
    },

    get: async (key, from = 0) => {
      const name = nameOf(key);
      if (logs.follows(name, from)) return await logs.read(name, from);
      const whole = await bucket.read(name);
      return whole === null ? await logs.read(name, from) : whole.subarray(from);
    },

    append: async (key, text) => {
      const name = nameOf(key);
      if (text !== "") await logs.append(name, Buffer.from(text));
    },

    list: async (prefix) => {
      const trimmed = prefix.replace(/\/$/, "");
      const names = trimmed === "" ? (await bucket.list(root)).map(({ name }) => name) : await namesUnder(trimmed);
      const keys = names.map((name) => name.slice(root.length).replace(CHUNK, "")).filter(isStoreKey);
      return [...new Set(keys)].sort();
    },

    remove: async (prefix) => {
      // An empty prefix is no key, and refused: it would remove every lab's install state.
      await bucket.remove(await namesUnder(prefix.replace(/\/$/, "")));
    },

    link: async (key, seconds) => {
      const name = nameOf(key);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_LINK_SECONDS) {
        throw refused(`a link lives 1 to ${LONGEST_LINK_SECONDS} seconds`);
      }
      if (!(await bucket.list(name)).some((found) => found.name === name)) return null;
      return await bucket.sign(name, key.split("/").at(-1) ?? key, seconds);
    },
  };
}

const refused = (why: string): LabkeeperError => new LabkeeperError("LK6001", why, { disposition: "stop" });
