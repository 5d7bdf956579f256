import type { Objects } from "./objects.ts";

/** A repository whose head can be asked for, wherever it is. */
export interface CatalogRepository {
  head(signal?: AbortSignal): Promise<string>;
  /** Runs a read; repairs what can be repaired and runs it once more when it fails. */
  reading<T>(read: (objects: Objects) => Promise<T>): Promise<T>;
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
}
