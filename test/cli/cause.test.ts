import { expect, test } from "vitest";
import { causeWords } from "../../src/cli/views/cause.ts";

const COMMIT = "1a2b3c4d5e".repeat(4);

test("a story names the pull request that brought a commit, where it is known", () => {
  const cause = { kind: "commit", commit: COMMIT, path: "labs/team-a/one.yaml" } as const;
  expect(causeWords(cause)).toBe("commit 1a2b3c4d5e (labs/team-a/one.yaml)");
  expect(causeWords({ ...cause, pullRequest: 12 })).toBe("pull request #12, commit 1a2b3c4d5e (labs/team-a/one.yaml)");
});
