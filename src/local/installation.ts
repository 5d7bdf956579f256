/** Tells this labkeeper from others that work in the same cloud accounts. */

import { randomUUID } from "node:crypto";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore } from "../ports.ts";

const KEY = "installation/id";
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A UUID, made by whoever asks first. It lies among the artifacts, which belong to one labkeeper alone and outlive its
 * database. Rejects with LK6107 when it is damaged, and with what the store rejects with.
 */
export async function installationId(artifacts: Pick<ArtifactStore, "get" | "put">): Promise<string> {
  const kept = await read(artifacts);
  if (kept !== null) return kept;
  try {
    const id = randomUUID();
    await artifacts.put(KEY, new TextEncoder().encode(`${id}\n`));
    return id;
  } catch (error) {
    const isTaken = error instanceof LabkeeperError && error.code === "LK6106";
    const other = isTaken ? await read(artifacts) : null;
    if (other === null) throw error;
    return other;
  }
}

async function read(artifacts: Pick<ArtifactStore, "get">): Promise<string | null> {
  const bytes = await artifacts.get(KEY);
  if (bytes === null) return null;
  const id = new TextDecoder().decode(bytes).trim();
  if (ID.test(id)) return id;
  throw new LabkeeperError("LK6107", `${KEY} is not an installation's id`);
}
