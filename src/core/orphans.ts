/** Which of the resources that a sweep saw nobody answers for. Tells only; removing one takes an operator's word. */

import { type DnsCluster, nameOfRecord, recordNames } from "./openshift/dns.ts";

/** As ports.ts has it; core knows no ports. */
export interface SweptResource {
  readonly id: string;
  readonly infraId: string | null;
  readonly labId: string | null;
  readonly installation?: string | null;
  readonly createdAt: Date | null;
  readonly dailyCost: number | null;
}

export interface LabKnown {
  readonly id: string;
  readonly name: string;
  /** False once it is destroyed. */
  readonly live: boolean;
  readonly infraId: string | null;
  /** What its records are named after, once it has some. */
  readonly cluster?: DnsCluster | null;
}

export interface Orphan<R extends SweptResource = SweptResource> {
  readonly resource: R;
  readonly why: "lab is destroyed" | "lab is unknown" | "infraId unknown";
  /** Null where the cloud does not say when it was made. */
  readonly ageHours: number | null;
  /** US dollars, estimated; null when nobody knows. */
  readonly dailyCost: number | null;
  /** The name of the lab it once belonged to. */
  readonly lab: string | null;
}

/** Younger ones may belong to something that is just being made or unmade. */
const YOUNG_MINUTES = 30;
const HOUR = 3_600_000;

/**
 * Of what carries labkeeper's tags, or an infraID that is known or that something with labkeeper's tags carries: other
 * people's clusters are nobody's business here. What belongs to a live lab, by its lab id, its infraID or its names, is never
 * a finding; whatever else it says. Nor is what another labkeeper's `installation` made, with all of its cluster and lab,
 * unless the lab is known here. Ask for the labs *after* the sweep: a lab is recorded before anything of it exists, so
 * none that was seen can be missing then. Sorted by id, each resource once.
 */
export function orphansAmong<R extends SweptResource>(
  resources: readonly R[],
  labs: readonly LabKnown[],
  now: Date,
  installation: string | null = null,
): Orphan<R>[] {
  const known = index(labs);
  const others = madeElsewhere(resources, installation);
  const labsOf = labIdsByInfraId(resources);
  const found = new Map<string, Orphan<R>>();
  for (const resource of resources) {
    const { id, labId, infraId, createdAt, dailyCost } = resource;
    const beside = [...(labsOf.get(infraId ?? "") ?? [])];
    const owners = [...ownersIn(known, resource), ...beside.flatMap((lab) => known.byId.get(lab) ?? [])];
    const isOthers = others.has(labId) || others.has(infraId);
    const nobodys = owners.length === 0 && (isOthers || (labId === null && beside.length === 0));
    if (nobodys || owners.some(({ live }) => live)) continue;
    const age = createdAt === null ? null : now.getTime() - createdAt.getTime();
    if (age !== null && age < YOUNG_MINUTES * 60_000) continue;
    const why = owners.length > 0 ? "lab is destroyed" : labId !== null ? "lab is unknown" : "infraId unknown";
    const ageHours = age === null ? null : Math.floor((age / HOUR) * 10) / 10;
    found.set(id, { resource, why, ageHours, dailyCost, lab: owners[0]?.name ?? null });
  }
  return [...found.values()].sort((a, b) => (a.resource.id < b.resource.id ? -1 : 1));
}

function labIdsByInfraId(resources: readonly SweptResource[]): ReadonlyMap<string, ReadonlySet<string>> {
  const labsOf = new Map<string, Set<string>>();
  for (const { infraId, labId } of resources) {
    if (infraId !== null && labId !== null) labsOf.set(infraId, (labsOf.get(infraId) ?? new Set()).add(labId));
  }
  return labsOf;
}

/** The lab ids and infraIDs of what other labkeepers made. */
function madeElsewhere(resources: readonly SweptResource[], own: string | null): ReadonlySet<string | null> {
  const others = resources.filter(({ installation }) => own !== null && installation && installation !== own);
  return new Set(others.flatMap(({ labId, infraId }) => [labId, infraId].filter((id) => id !== null)));
}

/** Whether a living lab answers for it by now. */
export const isOfLivingLab = (resource: SweptResource, labs: readonly LabKnown[]): boolean =>
  ownersIn(index(labs), resource).some(({ live }) => live);

/** By its lab id, its infraID, and where it is a record by who lives under its name now, whosever it was. */
const ownersIn = (known: Known, { id, labId, infraId }: SweptResource): LabKnown[] => [
  ...(known.byId.get(labId ?? "") ?? []),
  ...(known.byInfraId.get(infraId ?? "") ?? []),
  ...(known.byRecord.get(nameOfRecord(id) ?? "") ?? []).filter(({ live }) => live),
];

type Known = Readonly<Record<"byId" | "byInfraId" | "byRecord", ReadonlyMap<string, readonly LabKnown[]>>>;

function index(labs: readonly LabKnown[]): Known {
  const byId = new Map<string, LabKnown[]>();
  const byInfraId = new Map<string, LabKnown[]>();
  const byRecord = new Map<string, LabKnown[]>();
  const add = (to: Map<string, LabKnown[]>, key: string | null, lab: LabKnown): void => {
    if (key) to.set(key, [...(to.get(key) ?? []), lab]);
  };
  for (const lab of labs) {
    add(byId, lab.id, lab);
    add(byInfraId, lab.infraId, lab);
    if (lab.cluster) for (const name of recordNames(lab.cluster)) add(byRecord, name, lab);
  }
  return { byId, byInfraId, byRecord };
}
