/** What a rehearsal asks of its throw-away database. As ports.ts. */

import type { LivedLab } from "./core/rehearsal.ts";
import type { JobKind } from "./core/types.ts";

export interface RehearsalStore {
  /** What the database takes for the present from now on. */
  setTime(at: Date): Promise<void>;
  /** When jobs, by id, could have begun. */
  runnableSince(jobs: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  /** The next moment after the present at which a job may run again, or a lab leaves or expires; null when there is none. */
  nextMoment(): Promise<Date | null>;
  /** Every incarnation of every lab. */
  lived(): Promise<readonly LivedLab[]>;
  /** Runs that failed, by kind of job and code. */
  failures(): Promise<readonly { readonly job: JobKind; readonly code: string; readonly count: number }[]>;
}
