/** What GitHub's runner does with the action: a checkout, the environment of a step, and reading what it said. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { packageFile } from "../../src/package-root.ts";
import { createRepository, type Files, GIT_ENV, git } from "../../standins/git/repository.ts";

export const ACTION = packageFile("actions/validate");

interface Metadata {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: { readonly using: string; readonly main: string };
}

export const metadata = load(readFileSync(join(ACTION, "action.yml"), "utf8")) as Metadata;

/** As GitHub's. https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request */
export interface Event {
  readonly pull_request?: { readonly base: { readonly sha: string }; readonly head: { readonly sha: string } };
  readonly merge_group?: { readonly base_sha: string };
}

export interface PullRequest {
  readonly base: string;
  readonly head: string;
  /** GitHub's own merge of the one into the other: `refs/pull/1/merge`. */
  readonly merge: string;
  readonly event: Event;
  /** A folder as `actions/checkout` leaves it. Depth 0: everything. */
  checkout(options: { readonly depth: number; readonly what?: "merge" | "head" }): string;
}

let count = 0;

/** A repository with one open pull request. `meanwhile` went to main after the pull request was opened. */
export function pullRequest(
  root: string,
  { before, change, meanwhile }: { readonly before: Files; readonly change: Files; readonly meanwhile?: Files },
): PullRequest {
  const name = `repository-${++count}`;
  const repository = createRepository(join(root, `${name}.git`));
  const base = repository.commit(before);
  const head = repository.commit(change, { branch: "topic", from: base });
  const tip = meanwhile === undefined ? base : repository.commit(meanwhile);
  const merge = repository.commit(change, { branch: "merge", from: tip, merge: head });
  repository.git(["update-ref", "refs/pull/1/merge", merge]);
  repository.git(["update-ref", "-d", "refs/heads/merge"]);
  return {
    base,
    head,
    merge,
    event: { pull_request: { base: { sha: base }, head: { sha: head } } },
    checkout({ depth, what = "merge" }) {
      const folder = join(root, `${name}-checkout-${++count}`);
      mkdirSync(folder);
      git(folder, ["init", "--quiet", "--template=", "--initial-branch=main"]);
      const refs =
        what === "merge"
          ? "+refs/pull/1/merge:refs/remotes/pull/1/merge"
          : "+refs/heads/topic:refs/remotes/origin/topic";
      const all = depth === 0 ? ["+refs/heads/*:refs/remotes/origin/*"] : [`--depth=${depth}`];
      const args = depth === 0 ? [] : all;
      const wanted = depth === 0 ? [...all, refs] : [refs];
      git(folder, ["fetch", "--quiet", "--no-tags", ...args, `file://${repository.path}`, ...new Set(wanted)]);
      git(folder, ["checkout", "--quiet", "--force", refs.split(":")[1] ?? ""]);
      return folder;
    },
  };
}

export interface Step {
  readonly code: number | null;
  readonly log: string;
  readonly errors: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface StepOptions {
  readonly workspace: string;
  readonly event?: Event | string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs the committed bundle as a step, with defaults of action.yml and an environment like the runner's. */
export async function step(options: StepOptions): Promise<Step> {
  const temporary = `${options.workspace}-temp-${++count}`;
  mkdirSync(temporary);
  const file = (name: string, text = ""): string => {
    writeFileSync(join(temporary, name), text);
    return join(temporary, name);
  };
  const inputs = {
    ...Object.fromEntries(Object.entries(metadata.inputs).map(([name, { default: value = "" }]) => [name, value])),
    ...options.inputs,
  };
  const event = typeof options.event === "string" ? options.event : JSON.stringify(options.event ?? {});
  const output = file("output");
  const summary = file("summary");
  const env = {
    PATH: GIT_ENV["PATH"],
    HOME: temporary,
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_SERVER_URL: "https://github.example.com",
    GITHUB_REPOSITORY: "example/labs",
    GITHUB_WORKSPACE: options.workspace,
    GITHUB_EVENT_PATH: file("event.json", event),
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: summary,
    RUNNER_TEMP: temporary,
    ...Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`, value]),
    ),
    ...options.environment,
  };
  const child = spawn(process.execPath, [join(ACTION, metadata.runs.main)], {
    cwd: options.workspace,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
  return { code, log, errors, summary: read(summary), outputs: outputsIn(read(output)) };
}

/** As the runner reads the file of GITHUB_OUTPUT: `NAME=VALUE`, or `NAME<<DELIMITER` up to a line of the delimiter. */
export function outputsIn(text: string): Record<string, string> {
  const lines = text.split(/\r\n|\r|\n/);
  const outputs: Record<string, string> = {};
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line === "") continue;
    const [, name = "", sign, rest = ""] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? [];
    if (sign === undefined) throw new Error(`the runner refuses the line ${line}`);
    if (sign === "=") {
      outputs[name] = rest;
      continue;
    }
    const end = lines.indexOf(rest, at + 1);
    if (end < 0) throw new Error(`the runner finds no end of ${name}`);
    outputs[name] = lines.slice(at + 1, end).join("\n");
    at = end;
  }
  return outputs;
}

export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

const unescaped = (text: string): string =>
  text
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%25", "%");

/**
 * The commands that the runner would carry out: `::NAME PROPERTIES::DATA` at a line's start, and the older
 * `##[NAME PROPERTIES]DATA` anywhere in a line that is none.
 * https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
export const commandsIn = (log: string): WorkflowCommand[] =>
  log.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, head, data = ""] = /^\s*::([^\s:][^:]*)::(.*)$/.exec(line) ?? [];
    const [, oldHead, oldData = ""] = head === undefined ? (/##\[([^\]]+)\](.*)$/.exec(line) ?? []) : [];
    const found = head ?? oldHead;
    if (found === undefined) return [];
    const [name = "", ...rest] = found.split(" ");
    const properties = rest
      .join(" ")
      .split(",")
      .filter((each) => each.includes("="));
    return [
      {
        name,
        properties: Object.fromEntries(
          properties.map((each) => [each.slice(0, each.indexOf("=")), unescaped(each.slice(each.indexOf("=") + 1))]),
        ),
        data: unescaped(head === undefined ? oldData : data),
      },
    ];
  });
