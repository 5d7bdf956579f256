import type { CloudResource } from "../../cloud-ports.ts";
import { failureText } from "./aws-failure.ts";
import type { Part } from "./parts.ts";

/**
 * Runs all parts, whatever becomes of some. Regions at the same time, services of a region one after the other: AWS
 * counts requests per account and region.
 */
export async function runParts(parts: readonly Part[]): Promise<{
  readonly resources: readonly CloudResource[];
  readonly failures: readonly string[];
  /** Regions (or `global`) of which some part failed, with why. */
  readonly unseen: ReadonlyMap<string, string>;
}> {
  const found = new Map<string, CloudResource>();
  const failures: string[] = [];
  const unseen = new Map<string, string>();
  const runOne = async ({ name, region, run }: Part): Promise<void> => {
    try {
      for (const resource of await run()) if (!found.has(resource.id)) found.set(resource.id, resource);
    } catch (error) {
      const text = failureText(error, name);
      const failure = text.includes(name) ? text : `${name}: ${text}`;
      failures.push(failure);
      unseen.set(region, [unseen.get(region), failure].filter(Boolean).join("; "));
    }
  };
  const regions = new Set(parts.map(({ region }) => region));
  await Promise.all(
    [...regions].map(async (region) => {
      for (const part of parts) if (part.region === region) await runOne(part);
    }),
  );
  return { resources: [...found.values()], failures: failures.sort(), unseen };
}
