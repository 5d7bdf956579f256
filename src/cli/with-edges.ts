import type { Edges } from "../wire.ts";
import type { CommandContext } from "./context.ts";

/** Runs work with the database, the catalog and the rest, built when first asked for and closed at the end. */
export const withEdges = async <T>(context: CommandContext, work: (edges: Edges) => Promise<T>): Promise<T> => {
  const config = await context.config();
  const { wire } = await import("../wire.ts");
  await using edges = wire(config);
  return await work(edges);
};
