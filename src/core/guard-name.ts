/** In the order of `RULES`. */
export type GuardName =
  | "catalog-empty"
  | "history-rewritten"
  | "unreadable-file"
  | "unreadable-memory"
  | "several-remembered"
  | "unreviewed-destroy"
  | "destroy-budget"
  | "protected"
  | "suspended"
  | "freeze-window"
  | "quota"
  | "immutable-change";
