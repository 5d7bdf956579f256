/** Labs of the shipped profiles, as the openshift provisioner is given them. */

import { readProfile } from "../../src/core/profile.ts";
import { resolveSpec } from "../../src/core/resolve.ts";
import type { JsonObject, Profile, ProfileSpec } from "../../src/core/types.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { packageFile } from "../../src/package-root.ts";
import type { LabOrder } from "../../src/ports.ts";

export const LAB_ID = "0198c0de-0000-7000-8000-000000000001";

export async function shippedProfile(name: string): Promise<Profile> {
  for (const entry of await profileFolder(packageFile("profiles"))) {
    const read = readProfile(entry);
    if (read?.profile?.name === name) return read.profile;
  }
  throw new Error(`no shipped profile ${name}`);
}

export interface Changes {
  readonly id?: string;
  readonly name?: string;
  readonly workers?: number;
  readonly version?: string;
  readonly tags?: Record<string, string>;
  readonly profile?: Partial<ProfileSpec>;
  readonly platformConfig?: JsonObject;
}

export async function labOf(profileName: string, changes: Changes = {}): Promise<LabOrder> {
  const shipped = await shippedProfile(profileName);
  const { platformConfig } = changes;
  const profile: Profile = {
    ...shipped,
    spec: { ...shipped.spec, ...changes.profile, ...(platformConfig === undefined ? {} : { platformConfig }) },
  };
  const name = changes.name ?? "team-a-test-01";
  const spec = resolveSpec(
    {
      apiVersion: "labkeeper.dev/v1",
      kind: "Lab",
      metadata: { name, team: "team-a", owner: "octocat", costCenter: "sandbox" },
      spec: {
        profile: profileName,
        ...(changes.workers === undefined ? {} : { workers: changes.workers }),
        ...(changes.version === undefined ? {} : { version: changes.version }),
        ...(changes.tags === undefined ? {} : { tags: changes.tags }),
      },
    },
    profile,
    null,
  );
  return { id: changes.id ?? LAB_ID, name, team: "team-a", spec, profile };
}
