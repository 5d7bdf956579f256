import type { Register } from "./context.ts";

/** In the order in which `--help` lists them. */
export const commands: readonly Register[] = [];
