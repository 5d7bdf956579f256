import { isCutShort } from "../expiry.ts";
import type { GuardFacts } from "../guard-facts.ts";
import type { GuardName } from "../guard-name.ts";
import type { CatalogPolicy, Change, Plan } from "../types.ts";

/** What a guard weighs. The plan carries the holds of the guards before it. */
export interface Weighing {
  readonly plan: Plan;
  readonly facts: GuardFacts;
  readonly policy: CatalogPolicy;
  readonly now: Date;
  /** True when somebody approved that this guard's hold on this change be lifted. */
  readonly approved: (change: Change) => boolean;
}

export interface Objection {
  readonly message: string;
  /** What would let the change through, for people. */
  readonly release: string;
}

/** One guard: given the whole plan, it says of each change why it must wait, or null. */
export interface Rule {
  readonly name: GuardName;
  /** False where only the catalog can release it. */
  readonly approvable: boolean;
  readonly weigh: (weighing: Weighing) => (change: Change) => Objection | null;
}

/** Fails closed: a number that could not be read is never small enough. */
export const isWithin = (used: number, limit: number): boolean => used <= limit;

/** Touches a lab, or the records that decide whether a lab is made or unmade. */
export const doesSomething = ({ operation }: Change): boolean => operation.kind !== "none";

/** A lab would go, or start to go, because a commit says so. One that already leaves was counted when it began to. */
export const isDestroyByCommit = ({ operation }: Change): boolean =>
  operation.kind === "leave" ||
  (operation.kind === "destroy" && operation.cause.kind === "commit" && operation.lab.leaving === null);

/** A commit ends a lab: by removing its file, or by an edit that ends it at once, which comes to the same. */
export const takesDown = (change: Change, now: Date): boolean => isDestroyByCommit(change) || endsByEdit(change, now);

const endsByEdit = ({ operation }: Change, now: Date): boolean =>
  operation.kind === "update" && isCutShort(operation.lab, operation.spec.ttlHours, now);

/** What goes to the lab itself; the rest only changes what is recorded, or calls a destroy off. */
export const touchesLab = ({ operation }: Change): boolean => {
  switch (operation.kind) {
    case "provision":
    case "replace":
    case "leave":
    case "destroy":
      return true;
    case "update":
      return operation.job !== null;
    case "return":
    case "forget":
    case "none":
      return false;
  }
};
