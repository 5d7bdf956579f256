/** Where and how processes suffer: often at the calls that matter, now and then at any. */

import fc from "fast-check";
import { oneOf } from "./drawn-as.ts";
import type { Fate } from "./fate.ts";
import type { RealProcess } from "./real-processes.ts";

type Kind = Fate["kind"];

/** At one of the first so many calls of these; of any call without a name. */
const at = (weight: number, kind: Kind, most: number, ...on: readonly string[]): fc.WeightedArbitrary<Fate> => ({
  weight,
  arbitrary: fc.record(
    {
      kind: fc.constant(kind),
      at: fc.integer({ min: 1, max: most }),
      ...(on.length === 0 ? {} : { on: oneOf(...on) }),
    },
    { noNullPrototype: true },
  ) as fc.Arbitrary<Fate>,
});

/** Calls of a worker with a job, and their order of magnitude. */
const WORK = ["store.beginStep", "store.finish", "store.recordIntent", "store.recordOutputs", "store.reserve"] as const;
const VERBS = ["prepare", "install", "verify", "update", "destroy", "observe"].map((verb) => `provisioner.${verb}`);
const SQL = ["claim", "beginStep", "recordIntent", "recordOutputs", "finish"].map((name) => `sql.${name}`);
const RESTARTS = ["restart-fast", "restart-immediate", "restart-crash"] as const;

const restarts = (weight: number, most: number, ...on: readonly string[]): fc.WeightedArbitrary<Fate>[] =>
  RESTARTS.map((kind) => at(weight, kind, most, ...on));

export const workerFate: fc.Arbitrary<Fate> = fc.oneof(
  at(6, "crash-before", 30),
  at(6, "crash-after", 30),
  at(4, "crash-before", 1, ...WORK, ...VERBS, "cloud.write", "cloud.remove", "secrets.put", "artifacts.append"),
  at(4, "crash-after", 1, ...WORK, ...VERBS, "cloud.write", "cloud.remove", "secrets.put", "store.claim"),
  at(10, "freeze", 1, ...WORK, ...WORK, ...VERBS),
  at(2, "freeze", 30),
  at(3, "cut", 20),
  at(8, "cut-in", 2, ...SQL, "sql.reserve"),
  at(8, "answer-lost", 2, ...SQL, "sql.commit reserve"),
  ...restarts(2, 12),
  at(3, "disk-full", 2, "artifacts", "secrets", "workspace"),
  at(2, "one-connection", 1),
  at(3, "exhausted", 2, ...SQL),
  at(1, "slow", 20),
  at(3, "hang-limit", 1, "provisioner.prepare", "provisioner.install", "provisioner.verify"),
  at(3, "hang-cancel", 1, ...VERBS),
  at(3, "hang-drain", 1, ...VERBS),
);

export const reconcilerFate: fc.Arbitrary<Fate> = fc.oneof(
  at(4, "crash-before", 9),
  at(4, "crash-after", 9),
  at(4, "freeze", 1, "store.apply", "store.compare", "catalog.isAncestor"),
  at(2, "cut", 9),
  at(4, "cut-in", 14, "sql.apply"),
  at(2, "answer-lost", 1, "sql.commit apply"),
  ...restarts(1, 9),
  at(1, "one-connection", 1),
  at(2, "unreadable", 3),
);

export const janitorFate: fc.Arbitrary<Fate> = fc.oneof(
  at(2, "crash-before", 8),
  at(2, "crash-after", 8),
  at(2, "cut", 8),
  at(2, "freeze", 2, "store.recordCheck", "provisioner.observe"),
  at(2, "cut-in", 4, "sql.recordCheck"),
  at(1, "answer-lost", 1, "sql.commit recordCheck"),
  at(1, "hang-drain", 1, "provisioner.observe"),
);

export const realProcess: fc.Arbitrary<RealProcess> = fc.record(
  {
    role: oneOf("worker", "worker", "reconciler", "janitor"),
    diesAt: fc.integer({ min: 1, max: 40 }),
    after: fc.boolean(),
  },
  { noNullPrototype: true },
);
