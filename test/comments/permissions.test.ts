import { expect, it } from "vitest";
import { parseCommand } from "../../src/core/comment-command.ts";
import { approversOf, isSameLogin, teamEntry, whoMay } from "../../src/core/permissions.ts";
import type { CatalogPolicy } from "../../src/core/types.ts";

const policy: CatalogPolicy = {
  teams: new Map([
    ["team-a", { name: "team-a", githubTeam: "example/team-a", approvers: ["hubot"] }],
    ["team-b", { name: "team-b", githubTeam: "example/team-b" }],
    ["team-c", { name: "team-c" }],
  ]),
  guards: { maxDestroys: 5, maxDestroyPercent: 25, windowHours: 24, freezeWindows: [] },
  profiles: new Map(),
  roles: { operators: ["example/platform"], approvers: ["monalisa"] },
  digest: "sha256:0",
};
const may = (line: string, team: string | null, owner: string | null = "octocat") =>
  whoMay(parseCommand(line), policy, team === null ? null : { team, owner });

it("a lab's people may act on it, and operators on every lab", () => {
  const expected = ["example/platform", "octocat", "example/team-a", "hubot"];
  for (const verb of ["retry", "cancel", "destroy"]) expect(may(`/lab ${verb} one`, "team-a")).toEqual(expected);
  expect(may("/lab extend one 8h", "team-a")).toEqual(expected);
});

it("only approvers release holds: the team's own, else its GitHub team, and those of the whole catalog", () => {
  expect(may("/lab approve hold-0123456789", "team-a", null)).toEqual(["example/platform", "monalisa", "hubot"]);
  expect(may("/lab approve hold-0123456789", "team-b", null)).toEqual([
    "example/platform",
    "monalisa",
    "example/team-b",
  ]);
  expect(may("/lab approve hold-0123456789", "team-c", null)).toEqual(["example/platform", "monalisa"]);
  expect(approversOf(undefined)).toEqual([]);
});

it("a lab nobody knows gives nobody of a team a right", () => {
  expect(may("/lab destroy one", null)).toEqual(["example/platform"]);
  expect(whoMay(parseCommand("/lab destroy one"), { ...policy, roles: {} }, null)).toEqual([]);
});

it("logins are the same in any case, and entries part into logins and teams", () => {
  expect(isSameLogin("OctoCat", "octocat")).toBe(true);
  expect(teamEntry("example/team-a")).toEqual({ organisation: "example", team: "team-a" });
  expect(teamEntry("octocat")).toBeNull();
  expect(teamEntry("a/b/c")).toBeNull();
});
