/** Story 6: pull requests of labkeeper's own. They only ever propose; merging one is a person's decision. */

import type { CatalogSource } from "./catalog-ports.ts";
import { expiresAt } from "./core/expiry.ts";
import { withTtlHours } from "./core/lab-edit.ts";
import { requestBody, requestTitle } from "./core/markdown/own-request.ts";
import type { PullRequest, RequestPurpose } from "./core/pull-request.ts";
import type { Lab } from "./core/types.ts";
import { LabkeeperError } from "./errors.ts";
import type {
  Account,
  CatalogFileSource,
  OwnRequest,
  OwnRequests,
  RequestHost,
  RequestStore,
  TakenBranch,
} from "./github-ports.ts";
import type { ReadStore } from "./ports.ts";

export interface RequestDeps {
  readonly host: RequestHost;
  readonly catalog: Pick<CatalogSource, "head"> & CatalogFileSource;
  readonly store: RequestStore & Pick<ReadStore, "lab">;
  /** The branch that the catalog is read from. */
  readonly branch: string;
}

export const ownRequests = (deps: RequestDeps): OwnRequests => ({
  extend: async (name, hours, askedBy, signal) => {
    const lab = await liveLab(deps, name);
    const ttlHours = extendedHours(lab, hours);
    const file = await fileOf(deps, lab, signal);
    const content = withTtlHours(file.bytes, lab.path, ttlHours);
    if (content === null)
      throw new LabkeeperError("LK3004", `${lab.path} is written in a way that labkeeper does not edit`, {
        remedy: `Set spec.ttlHours to ${ttlHours} by hand.`,
      });
    const detail = `${ttlHours}h`;
    return { ...(await open(deps, { lab, purpose: "extend", detail, askedBy, file, content }, signal)), ttlHours };
  },
  destroy: async (name, askedBy, signal) => {
    const lab = await liveLab(deps, name);
    const file = await fileOf(deps, lab, signal);
    return await open(deps, { lab, purpose: "destroy", detail: "", askedBy, file, content: null }, signal);
  },
  keepExpiryRequests: (signal) => keepExpiryRequests(deps, signal),
});

async function liveLab({ store }: RequestDeps, name: string): Promise<Lab> {
  const detail = await store.lab(name);
  if (detail === null) throw new LabkeeperError("LK3001", `nothing is known of ${name}`);
  const { lab } = detail;
  if (lab.destroyCause !== null || lab.state === "destroyed")
    throw new LabkeeperError(
      "LK3004",
      `${name} is ${lab.state === "destroyed" ? "destroyed" : "being destroyed"} already`,
    );
  return lab;
}

/** Whole hours from the moment it was ready, as the file counts them. */
function extendedHours({ name, spec, policy, readyAt }: Lab, hours: number): number {
  const { maxTTLHours, allowCustomTTL } = policy.spec.lifecycle;
  const ttlHours = spec.ttlHours + hours;
  const refuse = (detail: string, remedy: string): never => {
    throw new LabkeeperError("LK3004", detail, { remedy });
  };
  if (!allowCustomTTL) return refuse(`profile ${spec.profile} allows no hours of one's own`, "Ask the platform team.");
  if (ttlHours > maxTTLHours) {
    const left = maxTTLHours - spec.ttlHours;
    const until = readyAt === null ? "" : `, until ${expiresAt(readyAt, maxTTLHours).toISOString()}`;
    return refuse(
      `${name} may live ${maxTTLHours} h by its profile and has ${spec.ttlHours} h already`,
      left > 0 ? `\`/lab extend ${name} ${left}h\` is the most${until}.` : "There is no more to have.",
    );
  }
  return ttlHours;
}

interface CatalogFile {
  readonly blobOid: string;
  readonly bytes: Uint8Array;
}

async function fileOf({ catalog }: RequestDeps, lab: Lab, signal?: AbortSignal): Promise<CatalogFile> {
  const file = await catalog.file(await catalog.head(signal), lab.path);
  if (file === null) throw new LabkeeperError("LK3004", `${lab.path} is not in the catalog any more`);
  return file;
}

interface Wanted {
  readonly lab: Pick<Lab, "id" | "name" | "path">;
  readonly purpose: RequestPurpose;
  readonly detail: string;
  readonly askedBy: Account;
  readonly file: CatalogFile;
  readonly content: Uint8Array | null;
  /** ISO 8601; of an expiry. */
  readonly expiresAt?: string;
}

/** How often one thing may be asked for again after it was closed, and how many branches of others are passed by. */
const MOST_TIMES = 20;

/** The branch carries the random end of the lab's id, so a later lab of the same name has one of its own. */
const branchOf = ({ lab, purpose, detail }: Wanted): string =>
  [
    "labkeeper",
    purpose,
    [lab.name, lab.id.slice(-8), ...(detail === "" ? [] : [detail.replace(/[^0-9a-z]/gi, "")])].join("-"),
  ].join("/");

/** Recorded before it is made, so that a crash in between finds its own branch again, and marked as labkeeper's own. */
async function open(deps: RequestDeps, wanted: Wanted, signal?: AbortSignal): Promise<OwnRequest> {
  const { lab, purpose, detail, askedBy, file, content } = wanted;
  const branch = branchOf(wanted);
  const record = { labId: lab.id, lab: lab.name, purpose, detail, branch, askedBy };
  await deps.store.recordRequest({ ...record, pullRequest: null });
  const words = {
    lab: lab.name,
    path: lab.path,
    purpose,
    detail,
    askedBy: askedBy.login,
    expiresAt: wanted.expiresAt ?? null,
  };
  const title = requestTitle(words);
  const draft = {
    base: deps.branch,
    path: lab.path,
    content,
    blobOid: file.blobOid,
    commitMessage: title,
    title,
    body: requestBody(words),
  };
  const avoided: TakenBranch[] = [];
  let made: PullRequest | null = null;
  for (let time = 1; time <= MOST_TIMES; time++) {
    const answer = await deps.host.openRequest({ ...draft, branch: time === 1 ? branch : `${branch}-${time}` }, signal);
    if ("by" in answer) {
      avoided.push(answer);
      continue;
    }
    made = answer;
    // Nobody is nagged about an end, but who asks again for what was closed or merged before means it.
    if (made.state === "open" || purpose === "expire") break;
  }
  if (made === null) throw inTheWay(avoided);
  await deps.store.recordRequest({ ...record, pullRequest: made.number });
  return { number: made.number, avoided };
}

const inTheWay = (avoided: readonly TakenBranch[]): LabkeeperError =>
  new LabkeeperError("LK8008", avoided.map(({ branch, by }) => `${branch} has ${by}`).join("; "));

const LABKEEPER: Account = { login: "labkeeper", id: null };

/** One that fails keeps no other from its turn; then the first failure is told. */
async function keepExpiryRequests(deps: RequestDeps, signal?: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  const apart = async (work: () => Promise<unknown>): Promise<void> => {
    signal?.throwIfAborted();
    await work().catch((error: unknown) => failures.push(error));
  };
  for (const request of await deps.store.obsoleteRequests()) {
    await apart(async () => {
      if (request.pullRequest !== null) await deps.host.closeRequest(request.pullRequest, signal);
      await deps.store.recordClosed(request);
    });
  }
  const expiring = await deps.store.expiringWithoutRequest();
  const head = expiring.length === 0 ? "" : await deps.catalog.head(signal);
  for (const lab of expiring) await apart(() => proposeEnd(deps, lab, head, signal));
  if (failures.length > 0) throw failures[0];
}

type Expiring = Awaited<ReturnType<RequestStore["expiringWithoutRequest"]>>[number];

async function proposeEnd(
  deps: RequestDeps,
  { labId, lab, path, expiresAt: at }: Expiring,
  head: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = await deps.catalog.file(head, path);
  // Its file went already: there is nothing to propose.
  if (file === null) return;
  const detail = at.toISOString();
  const about = { lab: { id: labId, name: lab, path }, purpose: "expire", detail, expiresAt: detail } as const;
  const { avoided } = await open(deps, { ...about, askedBy: LABKEEPER, file, content: null }, signal);
  // It was made all the same; whoever reads the log should know.
  if (avoided.length > 0) throw inTheWay(avoided);
}
