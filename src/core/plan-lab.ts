import { dueAt, expiresAt, hoursAfterEdit, isCutShort, isDue, leavingUntil } from "./expiry.ts";
import { type AcceptedFile, create, destroy, isAccepted, keep, leave, type Subject, update } from "./plan-change.ts";
import { immutableChanges, mutableChanges, reachesLab } from "./plan-fields.ts";
import { holdId } from "./plan-hash.ts";
import { resolveSpec } from "./resolve.ts";
import { isLive } from "./states.ts";
import type { CatalogPolicy, Cause, Change, Comparison, DesiredFile, FieldChange, Lab, Operation } from "./types.ts";

export interface Circumstances {
  readonly policy: CatalogPolicy;
  readonly commit: string;
  readonly now: Date;
}

type Job = Comparison["job"];

const isActive = (job: Job): boolean => job?.state === "queued" || job?.state === "running";

const isBeingDestroyed = (lab: Lab, job: Job): boolean =>
  lab.state === "destroying" ||
  lab.state === "destroy_failed" ||
  lab.destroyCause !== null ||
  (job?.kind === "destroy" && isActive(job));

/** A destroy asked by a commit (or an approved replacement) makes room for a new lab; an expiry or a command does not. */
const makesRoom = (lab: Lab): boolean => lab.destroyCause?.kind === "commit" || lab.destroyCause?.kind === "replace";

/** What should happen to one name. Null when there is neither a file nor a lab. */
export const changeFor = (comparison: Comparison, around: Circumstances): Change | null => {
  const { name, files, lab, job, pullRequest = null } = comparison;
  const [file, another] = files;
  if (file === undefined && lab === null) return null;
  const subject: Subject = {
    lab: name,
    team: lab?.team ?? file?.team ?? "",
    path: file?.path ?? lab?.path ?? "",
    commit: around.commit,
    pullRequest: pullRequest?.number ?? null,
  };
  // What a lab may live is pinned with it: no file that cannot be taken makes it live longer (promise P12).
  const untaken = another !== undefined || (file !== undefined && !isAccepted(file));
  if (untaken && lab !== null && isDue(lab, around.now) && isLive(lab.state) && !isBeingDestroyed(lab, job))
    return expired(subject, lab);
  if (another !== undefined) return keep(subject, `${files.length} files claim this name: none of them counts`);
  if (file !== undefined && !isAccepted(file)) return refused(subject, file, lab);
  if (lab === null || (file !== undefined && lab.state === "destroyed" && makesRoom(lab)))
    return file === undefined ? null : absent(subject, file, around);
  if (lab.state === "destroyed") return gone(subject, file, lab);
  if (isBeingDestroyed(lab, job)) return goes(subject, file, lab);
  if (file === undefined) return unwanted(subject, lab, pullRequest?.endsNow ?? false, around);
  return wanted(subject, file, lab, job, around);
};

const refused = (subject: Subject, file: DesiredFile, lab: Lab | null): Change =>
  lab === null
    ? keep(subject, "its file is refused, so it is not created", { kind: "none", orphan: file })
    : keep(subject, "its file is refused, so the lab is kept as it is");

const absent = (subject: Subject, file: AcceptedFile, { policy }: Circumstances): Change => {
  const named = { ...subject, team: file.document.metadata.team };
  const profile = policy.profiles.get(file.document.spec.profile);
  if (profile === undefined)
    return keep(named, `its profile ${file.document.spec.profile} is unknown, so it is not created`);
  if (file.problems.length > 0)
    return keep(named, "its file asks for what a new lab may not have, so it is not created");
  return create(named, { kind: "provision", file, spec: resolveSpec(file.document, profile, null), policy: profile });
};

const gone = (subject: Subject, file: AcceptedFile | undefined, lab: Lab): Change => {
  if (file === undefined)
    return keep(subject, "it is gone and so is its file: the name is free", { kind: "forget", lab });
  const cause = lab.destroyCause;
  const how = cause?.kind === "expired" ? `expired at ${cause.expiresAt}` : "was destroyed by a command";
  return keep(subject, `${how}; remove the file, or to have it again remove it and add it back after that`);
};

const goes = (subject: Subject, file: AcceptedFile | undefined, lab: Lab): Change => {
  const how = lab.state === "destroy_failed" ? "its destroy failed and is tried again" : "it is being destroyed";
  return keep(subject, file !== undefined && makesRoom(lab) ? `${how}; it will be created again when it is gone` : how);
};

const expired = (subject: Subject, lab: Lab): Change => {
  const at = (dueAt(lab) ?? lab.createdAt).toISOString();
  return destroy({ ...subject, pullRequest: null }, `it expired at ${at}`, lab, { kind: "expired", expiresAt: at });
};

const unwanted = (subject: Subject, lab: Lab, endsNow: boolean, { commit, now }: Circumstances): Change => {
  if (isDue(lab, now)) return expired(subject, lab);
  const { pullRequest } = subject;
  const cause: Cause = { kind: "commit", commit, path: lab.path, ...(pullRequest === null ? {} : { pullRequest }) };
  if (endsNow) return destroy(subject, "its file was removed to end it before it expires", lab, cause);
  if (lab.leaving !== null) {
    if (lab.leaving.until.getTime() > now.getTime())
      return keep(subject, `leaving: it is destroyed at ${lab.leaving.until.toISOString()} unless its file comes back`);
    return destroy(subject, "its file was removed and the deletion grace is over", lab, lab.leaving.cause);
  }
  const grace = lab.policy.spec.lifecycle.deletionGraceHours;
  if (!(grace > 0)) return destroy(subject, "its file was removed", lab, cause);
  const reason = `its file was removed: it is destroyed after a grace of ${grace} h unless the file comes back`;
  return leave(subject, reason, lab, cause, leavingUntil(now, grace));
};

const wanted = (subject: Subject, file: AcceptedFile, lab: Lab, job: Job, around: Circumstances): Change => {
  const asked =
    file.digest === lab.documentDigest || file.digest === lab.failedDigest
      ? null
      : edited(subject, file, lab, job, around);
  if (isDue(lab, around.now) && !(asked && staysExecution(asked, lab, around.now))) return expired(subject, lab);
  if (lab.leaving !== null)
    return update(subject, "its file is back inside the deletion grace: the same lab stays", {
      kind: "return",
      lab,
      file,
    });
  return asked ?? unchanged(subject, file, lab);
};

/** A lab that is due is spared for an edit that moves its expiry, or that says whether it may be destroyed at all. */
const staysExecution = ({ operation }: Change, lab: Lab, now: Date): boolean => {
  if (operation.kind !== "update") return false;
  const { spec } = operation;
  if (spec.protect !== lab.spec.protect || spec.suspend !== lab.spec.suspend) return true;
  return expiresAt(lab.readyAt ?? lab.createdAt, spec.ttlHours).getTime() > now.getTime();
};

const unchanged = (subject: Subject, file: AcceptedFile, lab: Lab): Change => {
  if (file.digest === lab.failedDigest)
    return keep(subject, `this update failed for good: edit the file, or \`labkeeper retry ${lab.name}\``);
  if (lab.state === "failed_permanent" || lab.state === "timed_out")
    return keep(
      subject,
      `it ${lab.state === "timed_out" ? "timed out" : "failed for good"}: edit the file, or \`labkeeper retry ${lab.name}\``,
    );
  if (file.path === lab.path) return keep(subject, "nothing changed");
  const operation = { kind: "update", lab, file, spec: lab.spec, job: null } as const;
  return keep(subject, `its file moved here from ${lab.path}; the lab is the same`, operation);
};

const edited = (
  named: Subject,
  file: AcceptedFile,
  lab: Lab,
  job: Job,
  { policy, commit, now }: Circumstances,
): Change => {
  const subject = { ...named, team: file.document.metadata.team };
  const fixed = immutableChanges(lab, file.document, policy);
  if (fixed.length > 0) {
    if (!policy.profiles.has(file.document.spec.profile))
      return keep(subject, `the file asks for profile ${file.document.spec.profile}, which is unknown`);
    if (file.problems.length > 0)
      return keep(
        subject,
        `the file changes ${paths(fixed)} to what a new lab may not have, so the lab is kept as it is`,
      );
    const hold = holdId("immutable-change", { lab: lab.name, action: "update", labId: lab.id, digest: file.digest });
    const cause = { kind: "replace", hold, commit } as const;
    return update(
      subject,
      `${paths(fixed)} cannot change in place: the lab is destroyed and created again`,
      { kind: "replace", lab, file, cause },
      fixed,
    );
  }
  const spec = resolveSpec(file.document, lab.policy, lab.spec);
  const fields = mutableChanges(lab, file.document, spec);
  const carrier = jobFor(lab, job, fields);
  if (carrier === "later") return keep(subject, `the edit is taken in when the lab is ready again; it is ${lab.state}`);
  const end = isCutShort(lab, spec.ttlHours, now)
    ? `, which ends the lab when its ${hoursAfterEdit(lab)} h of warning are over`
    : "";
  const reason =
    fields.length === 0
      ? "the file is written differently and means the same"
      : `the file changes ${paths(fields)}${end}`;
  return update(subject, reason, { kind: "update", lab, file, spec, job: carrier }, fields);
};

const paths = (fields: readonly FieldChange[]): string => fields.map(({ path }) => path).join(", ");

type UpdateJob = Extract<Operation, { kind: "update" }>["job"];

/** The job that carries an edit to the lab. One job runs and one waits at most; one that waits reads the new spec. */
const jobFor = (lab: Lab, job: Job, fields: readonly FieldChange[]): UpdateJob | "later" => {
  switch (lab.state) {
    case "failed_permanent":
    case "timed_out":
      return "provision";
    case "pending":
    case "provisioning":
    case "failed":
      if (job?.state === "queued") return null;
      if (job?.state === "running") return reachesLab(fields) ? "update" : null;
      return "provision";
    case "ready":
    case "updating":
      // After an update that failed for good the lab is behind its record, whatever this edit is about.
      return (reachesLab(fields) || lab.failedDigest !== null) && job?.state !== "queued" ? "update" : null;
    case "hibernating":
    case "hibernated":
    case "resuming":
      return reachesLab(fields) ? "later" : null;
    case "destroying":
    case "destroy_failed":
    case "destroyed":
      return null;
  }
};
