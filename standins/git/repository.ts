/** Bare repositories in folders, made and changed with the git program. */

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commitLoosely } from "./loose.ts";

/** No file of this machine's user reaches what runs here, and no wish of the caller's git (a hook, a rebase) either. */
export const GIT_ENV: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
};

/** Runs git in a folder and answers its output without the last line feed. */
export function git(cwd: string, args: readonly string[], input?: string | Buffer): string {
  const stdio = ["pipe", "pipe", "pipe"] as const;
  const output = execFileSync("git", args, { cwd, env: GIT_ENV, input, stdio: [...stdio], maxBuffer: 1 << 28 });
  return output.toString("utf8").replace(/\n$/, "");
}

/** What a commit changes: text or bytes for a file, a link's target, a submodule's commit, null to remove. */
export type Content = string | Buffer | { readonly link: string } | { readonly submodule: string } | null;
export type Files = Readonly<Record<string, Content>>;

export interface BareRepository {
  /** The bare repository's folder. */
  readonly path: string;
  /** Commits changes on top of a branch (default main) through `git fast-import`; answers the commit. */
  commit(
    files: Files,
    options?: { readonly branch?: string; readonly from?: string | null; readonly merge?: string },
  ): string;
  git(args: readonly string[], input?: string | Buffer): string;
}

/** A folder that goes when its maker says so; its real path, since a temporary folder may lie behind a link. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "labkeeper-test-")));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes a bare repository without commits, whose HEAD names `main`. */
export function createRepository(path: string): BareRepository {
  // What `git init --bare --template=` makes, without a process: a test suite makes hundreds.
  for (const inside of ["objects/info", "objects/pack", "refs/heads", "refs/tags"]) {
    mkdirSync(join(path, inside), { recursive: true });
  }
  writeFileSync(join(path, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(path, "config"), "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n");
  let clock = 1_700_000_000;
  return {
    path,
    git: (args, input) => git(path, args, input),
    commit(files, { branch = "main", from, merge } = {}) {
      const ref = `refs/heads/${branch}`;
      const parent = from === undefined ? tip(path, ref) : from;
      clock += 60;
      const signature = `Test <test@example.com> ${clock} +0000`;
      const parents = [parent, merge].flatMap((each) => each ?? []);
      // Asking git costs a process for every commit of every test.
      const plain =
        merge !== undefined && parent === null
          ? null
          : commitLoosely(path, { parents, files, author: signature, committer: signature, message: "test" });
      if (plain !== null) {
        moveBranch(path, ref, plain);
        return plain;
      }
      const parts: (string | Buffer)[] = [`commit ${ref}\nmark :1\ncommitter ${signature}\ndata 4\ntest\n`];
      if (parent !== null) parts.push(`from ${parent}\n`);
      if (merge !== undefined) parts.push(`merge ${merge}\n`);
      for (const [name, content] of Object.entries(files)) parts.push(...fastImport(name, content));
      parts.push("\nget-mark :1\n");
      const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
      return git(path, ["fast-import", "--quiet", "--force", "--cat-blob-fd=1"], input);
    },
  };
}

/** Writes the ref's file as git does, by renaming. */
function moveBranch(path: string, ref: string, commit: string): void {
  const file = join(path, ref);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.lock`, `${commit}\n`, { flag: "wx" });
  renameSync(`${file}.lock`, file);
}

/** Read from the files: asking git costs a process for every commit of every test. */
function tip(path: string, ref: string): string | null {
  const loose = join(path, ref);
  if (existsSync(loose)) return readFileSync(loose, "utf8").trim();
  const packed = join(path, "packed-refs");
  const lines = existsSync(packed) ? readFileSync(packed, "utf8").split("\n") : [];
  return lines.find((line) => line.endsWith(` ${ref}`))?.slice(0, 40) ?? null;
}

function fastImport(name: string, content: Content): (string | Buffer)[] {
  const quoted = `"${name.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
  if (content === null) return [`D ${quoted}\n`];
  if (typeof content === "object" && "submodule" in content) return [`M 160000 ${content.submodule} ${quoted}\n`];
  const link = typeof content === "object" && "link" in content;
  const bytes = Buffer.from(link ? content.link : (content as string | Buffer));
  return [`M ${link ? "120000" : "100644"} inline ${quoted}\ndata ${bytes.length}\n`, bytes, "\n"];
}
