/** Another queue with one job at a time for each lab, as ours has. */
export interface PeerQueue {
  /** Enqueues one job for each of the labs. */
  enqueue(labs: readonly string[]): Promise<void>;
  /** Starts working with some concurrency; `done` is called for each job that ran. */
  start(concurrency: number, done: () => void): Promise<void>;
}

/** Takes the module as its package exports it, and the database to use. */
export type OpenPeer = (module: unknown, url: string) => Promise<PeerQueue>;
