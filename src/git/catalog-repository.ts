import type { Objects } from "./objects.ts";

/** A repository whose head can be asked for, wherever it is. */
export interface CatalogRepository {
  head(signal?: AbortSignal): Promise<string>;
  /** The branch that `head` is of; null when it is none (a tag, a commit). */
  branch(signal?: AbortSignal): Promise<string | null>;
  /** Runs a read; repairs what can be repaired and runs it once more when it fails. */
  reading<T>(read: (objects: Objects) => Promise<T>): Promise<T>;
  /**
   * As `reading`, with the head of a pull request among the objects. `read` answers null where the history at hand
   * ends too early; where more can be had it runs once more with all of it. LK1003 when there is no such pull request,
   * LK8005 when its head is another than expected.
   */
  readingHead<T>(
    pullRequest: number,
    expectedHead: string,
    read: (objects: Objects) => Promise<T | null>,
    signal?: AbortSignal,
  ): Promise<T | null>;
  /** As `reading`, where `read` answers null when the history at hand ends too early; then it runs once more with all. */
  readingHistory<T>(read: (objects: Objects) => Promise<T | null>): Promise<T | null>;
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
}
