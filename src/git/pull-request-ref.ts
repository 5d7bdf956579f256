import { LabkeeperError } from "../errors.ts";

/**
 * Where GitHub keeps the head of a pull request, that of a fork too. Made of a number alone: no name that somebody
 * chose ever becomes part of a ref. Throws LK1003 for what is no number of a pull request.
 * https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/checking-out-pull-requests-locally
 */
export function pullRequestRef(pullRequest: number): string {
  if (Number.isSafeInteger(pullRequest) && pullRequest > 0) return `refs/pull/${pullRequest}/head`;
  throw new LabkeeperError("LK1003", "there is no pull request of that number");
}

/** Throws LK8005 when the ref is not where the host said it was. */
export function expectHead(pullRequest: number, found: string, expected: string): void {
  if (found === expected) return;
  throw new LabkeeperError("LK8005", `the head of #${pullRequest} is at ${found.slice(0, 10)} by now`);
}
