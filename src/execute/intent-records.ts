/**
 * A lab's intent is durable in two places before anything is made of it (promise P2): in Postgres, and among the artifacts,
 * with all that its row needs to come back. Postgres is older than the world after a backup was restored; the artifacts
 * are not restored with it.
 */

import { canonicalJson } from "../core/canonical.ts";
import { MEMORY, memoryOf, recordKey, recordPlace, recordText } from "../core/lab-record.ts";
import type { JsonObject, RememberedLab } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore, ClaimedJob, WorkStore } from "../ports.ts";
import { readRemembered } from "./recall-labs.ts";

export interface IntentRecords {
  /** Durable in both places when it resolves. */
  record(intent: JsonObject): Promise<void>;
  /**
   * The one that was recorded last: what Postgres has, unless the artifacts show that it forgot a later one. Then Postgres
   * has it again when this resolves. Without any in Postgres, artifacts that cannot be read reject: nothing may be taken for
   * never made because of them.
   */
  recall(): Promise<JsonObject | null>;
  /**
   * @throws LK6110 when a later lab of this name is remembered that the records do not know. A name has one lab at a time, so
   * this one was proven gone before, and must not be made beside the other.
   */
  refuseSuperseded(): Promise<void>;
  /** Once the lab is proven gone, so that nothing of it is ever taken up again. */
  forget(): Promise<void>;
}

interface Known {
  readonly number: number;
  readonly intent: JsonObject;
}

const same = (a: JsonObject | null, b: JsonObject | null): boolean => canonicalJson(a) === canonicalJson(b);

export function intentRecords(
  {
    store,
    artifacts,
  }: { readonly store: Pick<WorkStore, "recordIntent" | "unknownLabs">; readonly artifacts: ArtifactStore },
  job: ClaimedJob,
): IntentRecords {
  const { lab, lease } = job;
  let recorded = lab.intent;
  let listed: readonly string[] | null = null;
  let remembered: readonly Known[] | null = null;

  const keysOfName = async (): Promise<readonly string[]> => {
    listed ??= await artifacts.list(`${MEMORY}/${lab.name}`);
    return listed;
  };
  const load = async (): Promise<readonly Known[]> => {
    const own = `${memoryOf(lab)}/`;
    const keys = (await keysOfName()).filter((key) => key.startsWith(own));
    remembered ??= await Promise.all(keys.map((key) => known(artifacts, key)));
    return remembered;
  };
  const toPostgres = async (intent: JsonObject): Promise<void> => {
    if (same(intent, recorded)) return;
    await store.recordIntent(job, intent);
    recorded = intent;
  };

  return {
    async record(intent) {
      // Read before Postgres says whether the lease still holds: a number that a successor takes cannot be passed then.
      const all = await load();
      // Postgres first, because it refuses whoever lost the lease: what the artifacts have was recorded there once.
      await toPostgres(intent);
      const last = all.at(-1);
      if (last !== undefined && same(last.intent, intent)) return;
      const number = (last?.number ?? 0) + 1;
      const text = recordText({ ...lab, intent } satisfies RememberedLab);
      await artifacts.put(recordKey(lab, { number, job: job.id, token: lease.token }), new TextEncoder().encode(text));
      remembered = [...all, { number, intent }];
    },

    async recall() {
      const all = await load().catch((error: unknown) => {
        if (recorded === null) throw error;
        return [];
      });
      const last = all.at(-1);
      // One that only Postgres has is later than all others: whoever recorded it died before it was put here.
      const isBehind = recorded === null || all.slice(0, -1).some(({ intent }) => same(intent, recorded));
      if (last !== undefined && isBehind) await toPostgres(last.intent);
      return recorded;
    },

    async refuseSuperseded() {
      const places = (await keysOfName()).map(recordPlace);
      // Ids are drawn in the order of time.
      const later = [
        ...new Set(places.flatMap((place) => (place === null || place.labId <= lab.id ? [] : [place.labId]))),
      ];
      const [unknown] = later.length === 0 ? [] : await store.unknownLabs(later);
      if (unknown !== undefined) throw new LabkeeperError("LK6110", `${lab.name}: ${unknown} was made after ${lab.id}`);
    },

    forget: () => artifacts.remove(memoryOf(lab)),
  };
}

async function known(artifacts: ArtifactStore, key: string): Promise<Known> {
  const { intent } = await readRemembered(artifacts, key);
  const place = recordPlace(key);
  if (place === null) throw new LabkeeperError("LK6109", key);
  return { number: place.number, intent };
}
