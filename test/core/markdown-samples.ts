/** Pull requests as they come, for the examples in docs and for whatever has to hold of all of them. */

import type { BoardLab, CommandAnswer, PullRequest, PullRequestReport, Review } from "../../src/core/pull-request.ts";

export const NOW = new Date("2026-03-02T12:00:00Z");
export const REPOSITORY = "https://github.com/octo-org/labs";
export const HEAD = "4f1c".repeat(10);
export const BASE = "b3a9".repeat(10);
export const MERGED = "77d0".repeat(10);

const at = (iso: string): Date => new Date(`2026-03-${iso}:00Z`);

export const pullRequest = (change: Partial<PullRequest> = {}): PullRequest => ({
  number: 12,
  title: "A lab for the order service",
  author: "octocat",
  url: `${REPOSITORY}/pull/12`,
  state: "open",
  head: { commit: HEAD, ref: "orders", fork: false },
  base: { ref: "main", commit: BASE },
  mergeCommit: null,
  updatedAt: NOW,
  endedAt: null,
  ...change,
});

const ordered: Review["changes"][number] = {
  lab: "team-a-orders",
  team: "team-a",
  action: "create",
  reason: "the catalog has it and no such lab exists",
  fields: [],
  path: "labs/team-a/team-a-orders.yaml",
  labId: null,
  order: "profile aws-standard, 4.20.3, us-east-1, labs.example.com, 3 workers, 24 h",
  warning: null,
  cost: { perDay: 57.6, untilExpiry: 57.6 },
  held: null,
  running: null,
};

export const plainReview: Review = {
  pullRequest: 12,
  headCommit: HEAD,
  baseCommit: BASE,
  hash: `sha256:${"9c".repeat(32)}`,
  changes: [
    ordered,
    {
      ...ordered,
      lab: "team-a-search",
      action: "update",
      reason: "the file changes spec.ttlHours, spec.workers",
      fields: [
        { path: "spec.ttlHours", before: 24, after: 48 },
        { path: "spec.workers", before: 2, after: 3 },
      ],
      path: "labs/team-a/team-a-search.yaml",
      labId: "0195-search",
      order: null,
      cost: { perDay: 57.6, untilExpiry: 115.2 },
    },
  ],
  problems: [],
  policy: null,
  teams: [
    {
      team: "team-a",
      labs: { before: 2, after: 3, limit: 5 },
      monthly: { before: 2628, after: 4672, limit: 5000 },
    },
  ],
  durations: [{ profile: "aws-standard", count: 31, p50: 2520, p90: 3300 }],
  conflicts: [],
};

export const dangerousReview: Review = {
  ...plainReview,
  changes: [
    ordered,
    {
      ...ordered,
      lab: "team-a-reports",
      action: "destroy",
      reason: "its file was removed: it is destroyed after a grace of 4 h unless the file comes back",
      path: "labs/team-a/team-a-reports.yaml",
      labId: "0195-reports",
      order: null,
      cost: { perDay: 0, untilExpiry: 0 },
      running: {
        owner: "monalisa",
        state: "ready",
        since: "2026-02-27T09:14:00.000Z",
        lastUsed: "2026-03-02T10:41:00.000Z",
        graceHours: 4,
      },
    },
    {
      ...ordered,
      lab: "team-a-search",
      action: "replace",
      reason: "spec.version cannot change in place: the lab is destroyed and created again",
      fields: [{ path: "spec.version", before: "4.20.3", after: "4.21.0" }],
      path: "labs/team-a/team-a-search.yaml",
      labId: "0195-search",
      order: null,
      held: {
        hold: "hold-5e1c9a02b7",
        guard: "immutable-change",
        message: "spec.version cannot change in place: the lab would be destroyed and created again",
        release:
          "Approve the replacement, or undo the edit and add a lab under another name. Approvers of team-a: octo-org/team-a-leads.",
        approvable: true,
      },
      running: {
        owner: "octocat",
        state: "ready",
        since: "2026-03-01T08:00:00.000Z",
        lastUsed: null,
        graceHours: null,
      },
    },
  ],
  problems: [
    {
      path: "labs/team-a/team-a-billing.yaml",
      line: 9,
      column: 12,
      code: "LK2103",
      message: 'spec.region is "eu-central-1", which profile aws-standard does not allow',
      remedy: "Choose one of the values that the profile allows.",
    },
  ],
  conflicts: ["labs/team-a/team-a-search.yaml"],
};

export const policyReview: Review = {
  ...plainReview,
  changes: [],
  teams: [],
  durations: [],
  policy: {
    paths: ["catalog.yaml", "profiles/aws-standard.yaml"],
    profiles: [
      {
        name: "aws-standard",
        change: "changed",
        liveLabs: 12,
        labs: ["team-a-orders", "team-a-search", "team-b-search"],
      },
    ],
    settings: [
      { path: "guards.maxDestroys", before: 5, after: 8 },
      { path: "teams.team-a.monthlyBudget", before: 5000, after: 8000 },
      { path: "teams.team-c", before: null, after: { name: "team-c", maxActiveLabs: 2 } },
    ],
  },
};

const addressesOf = (name: string) => ({
  consoleUrl: `https://console-openshift-console.apps.${name}.labs.example.com`,
  apiUrl: `https://api.${name}.labs.example.com:6443`,
});

export const boardLab = (change: Partial<BoardLab> = {}): BoardLab => ({
  name: "team-a-orders",
  team: "team-a",
  action: "create",
  state: "ready",
  since: at("02T11:45"),
  job: null,
  typicalSeconds: 2520,
  outputs: addressesOf(change.name ?? "team-a-orders"),
  expiresAt: at("03T11:45"),
  expiring: false,
  leavingUntil: null,
  destroyCause: null,
  failure: null,
  logTail: [],
  holds: [],
  receipt: null,
  credentialsUrl: `https://labkeeper.example.com/labs/${change.name ?? "team-a-orders"}/credentials`,
  expiryRequest: null,
  ...change,
});

const job = (change: Partial<NonNullable<BoardLab["job"]>> = {}): NonNullable<BoardLab["job"]> => ({
  kind: "provision",
  state: "running",
  step: "install",
  phase: "waiting for the cluster operators",
  percent: 62,
  position: null,
  since: at("02T11:34"),
  runAt: at("02T11:34"),
  ...change,
});

export const readyBoard: readonly BoardLab[] = [
  boardLab(),
  boardLab({
    name: "team-a-reports",
    expiresAt: at("02T15:30"),
    expiring: true,
    expiryRequest: 19,
    credentialsUrl: null,
    outputs: { consoleUrl: "https://console-openshift-console.apps.team-a-reports.labs.example.com" },
  }),
];

export const workingBoard: readonly BoardLab[] = [
  boardLab({ state: "provisioning", job: job(), outputs: {}, expiresAt: null }),
  boardLab({
    name: "team-a-billing",
    state: "pending",
    job: job({ state: "queued", step: null, phase: null, percent: null, position: 3 }),
    outputs: {},
    expiresAt: null,
  }),
  boardLab({
    name: "team-a-search",
    action: "replace",
    holds: [
      {
        id: "hold-5e1c9a02b7",
        guard: "immutable-change",
        message: "spec.version cannot change in place: the lab would be destroyed and created again",
        release: "Approve the replacement, or undo the edit and add a lab under another name.",
        state: "open",
        approvable: true,
      },
    ],
  }),
  boardLab({ name: "team-a-wiki" }),
];

export const failedBoard: readonly BoardLab[] = [
  boardLab({
    state: "failed",
    outputs: {},
    expiresAt: null,
    failure: {
      code: "LK5003",
      message: "openshift-install ended with exit code 4: the VPC limit of us-east-1 is reached",
      remedy: "Free a VPC or ask for a higher limit; it is tried again by itself.",
      step: "install",
      retryAt: "2026-03-02T12:08:00.000Z",
    },
    logTail: [
      'level=info msg="Creating infrastructure resources..."',
      'level=error msg="VpcLimitExceeded: The maximum number of VPCs has been reached."',
      'level=error msg="failed to create cluster: infrastructure is not ready"',
    ],
  }),
  boardLab({
    name: "team-a-search",
    action: "destroy",
    state: "destroy_failed",
    failure: {
      code: "LK5005",
      message: "2 resources are still there",
      remedy: "It is tried again until they are gone; look at them in the cloud's console.",
      step: "observe",
      retryAt: "2026-03-02T12:20:00.000Z",
    },
  }),
];

export const goneBoard: readonly BoardLab[] = [
  boardLab({
    name: "team-a-reports",
    action: "destroy",
    state: "destroyed",
    outputs: {},
    expiresAt: null,
    destroyCause: { kind: "commit", commit: MERGED, path: "labs/team-a/team-a-reports.yaml" },
    receipt: {
      at: at("02T09:31"),
      provisioner: "openshift",
      observations: [
        {
          at: "2026-03-02T09:29:40.000Z",
          evidence: [
            "us-east-1: tagging GetResources kubernetes.io/cluster/team-a-reports-x7k2p: none of 0 pages",
            "us-east-1: ec2 DescribeInstances: none",
            "route53 ListHostedZones: no team-a-reports.labs.example.com",
            "iam ListRoles: none of 14 roles",
          ],
        },
        {
          at: "2026-03-02T09:31:02.000Z",
          evidence: [
            "us-east-1: tagging GetResources kubernetes.io/cluster/team-a-reports-x7k2p: none of 0 pages",
            "us-east-1: ec2 DescribeInstances: none",
          ],
        },
      ],
      checkedAgain: [],
    },
  }),
  boardLab({
    name: "team-a-wiki",
    action: "destroy",
    state: "ready",
    leavingUntil: at("02T15:10"),
  }),
  boardLab({
    name: "team-a-search",
    action: "destroy",
    state: "destroying",
    job: job({ kind: "destroy", step: "destroy", phase: "deleting load balancers", percent: null }),
  }),
];

export const answers: readonly CommandAnswer[] = [
  {
    commentUrl: `${REPOSITORY}/pull/12#issuecomment-1`,
    author: "monalisa",
    command: "/lab approve hold-5e1c9a02b7",
    state: "done",
    answer: "team-a-search is released from immutable-change and goes on with the next cycle.",
    at: at("02T11:50"),
  },
  {
    commentUrl: `${REPOSITORY}/pull/12#issuecomment-2`,
    author: "octocat",
    command: "/lab status",
    state: "done",
    answer: "team-a-orders   ready  until 2026-03-03 11:45 UTC\nteam-a-search   updating  update: apply",
    at: at("02T11:55"),
  },
  {
    commentUrl: `${REPOSITORY}/pull/12#issuecomment-3`,
    author: "hubot",
    command: "/lab destroy team-a-orders",
    state: "refused",
    answer: "You may not. Who may: octocat, octo-org/team-a-leads.",
    at: at("02T11:58"),
  },
];

export const reportOf = (change: Partial<PullRequestReport> = {}): PullRequestReport => ({
  pullRequest: pullRequest(),
  review: plainReview,
  labs: [],
  commands: [],
  repositoryUrl: REPOSITORY,
  now: NOW,
  ...change,
});

export const merged = pullRequest({ state: "merged", mergeCommit: MERGED, endedAt: NOW });

/** One that shows everything there is, open and merged. */
export const everything: readonly PullRequestReport[] = [
  reportOf({
    review: { ...dangerousReview, policy: policyReview.policy },
    commands: answers,
  }),
  reportOf({
    pullRequest: merged,
    review: dangerousReview,
    labs: [...readyBoard, ...workingBoard, ...failedBoard, ...goneBoard],
    commands: answers,
  }),
];
