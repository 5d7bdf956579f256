/**
 * Real git for tests: repositories in temporary folders, made with the git program, and git over HTTP through
 * `git http-backend` behind node's http on 127.0.0.1, with switches for what goes wrong on a network.
 */

import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** No file of this machine's user reaches the tests, and no wish of the caller's git (a hook, a rebase) either. */
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

export interface TestRepository {
  /** The bare repository's folder. */
  readonly path: string;
  /** Commits changes on top of a branch (default main) through `git fast-import`; answers the commit. */
  commit(
    files: Files,
    options?: { readonly branch?: string; readonly from?: string | null; readonly merge?: string },
  ): string;
  git(args: readonly string[], input?: string | Buffer): string;
}

/** A folder that goes when the test file ends; its real path, since a temporary folder may lie behind a link. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "labkeeper-test-")));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

let template: string | null = null;

/** What `git init` makes, made once: a test suite makes hundreds. */
function emptyRepository(): string {
  if (template !== null) return template;
  // A test process is killed at its end, so it cannot clean up; the global setup removes what has a dead one's id.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `labkeeper-test-${process.pid}-`)));
  git(folder, ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "."]);
  template = folder;
  return template;
}

/** Makes a bare repository without commits, whose HEAD names `main`. */
export function createRepository(path: string): TestRepository {
  cpSync(emptyRepository(), path, { recursive: true });
  let clock = 1_700_000_000;
  return {
    path,
    git: (args, input) => git(path, args, input),
    commit(files, { branch = "main", from, merge } = {}) {
      const ref = `refs/heads/${branch}`;
      const parent = from === undefined ? tip(path, ref) : from;
      clock += 60;
      const parts: (string | Buffer)[] = [
        `commit ${ref}\nmark :1\ncommitter Test <test@example.com> ${clock} +0000\ndata 4\ntest\n`,
      ];
      if (parent !== null) parts.push(`from ${parent}\n`);
      if (merge !== undefined) parts.push(`merge ${merge}\n`);
      for (const [name, content] of Object.entries(files)) parts.push(...fastImport(name, content));
      parts.push("\nget-mark :1\n");
      const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
      return git(path, ["fast-import", "--quiet", "--force", "--cat-blob-fd=1"], input);
    },
  };
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

/** Writes one tree object entry by entry, also such as git itself refuses to make; answers its oid. */
export function writeTree(
  repository: string,
  entries: readonly { readonly mode: string; readonly name: string | Buffer; readonly oid: string }[],
): string {
  const parts = entries.map(({ mode, name, oid }) =>
    Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, "hex")]),
  );
  return git(repository, ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], Buffer.concat(parts));
}

/** Writes files and links into a folder, as somebody's working tree would have them. */
export function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Buffer | { readonly link: string } | null>>,
): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true });
    if (content === null) continue;
    if (typeof content === "object" && "link" in content) symlinkSync(content.link, path);
    else writeFileSync(path, content);
  }
}

/** What the server does to requests that match, until it is told otherwise. */
export type Fault =
  | { readonly kind: "status"; readonly status: number }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** 200 without a body. */
  | { readonly kind: "empty" }
  /** 200 with some other body, such as a sign-in page. */
  | { readonly kind: "body"; readonly body: string; readonly type: string }
  /** Sends this many bytes of the real answer, then cuts the connection. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Sends this many bytes of the real answer as if they were all. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** Sends the real answer with one byte changed, this far behind a text in it ("": behind its start). */
  | { readonly kind: "corrupt"; readonly behind: string; readonly at: number }
  | { readonly kind: "redirect"; readonly status: number; readonly to: (url: string) => string };

export interface GitServer {
  /** `http://127.0.0.1:PORT`; the repository `NAME.git` in the served folder is `${url}/NAME.git`. */
  readonly url: string;
  /** Every request taken so far. */
  readonly requests: readonly {
    readonly method: string;
    readonly url: string;
    readonly authorization: string | undefined;
  }[];
  /**
   * Sets what goes wrong (null: nothing), for requests whose method, URL and protocol version match:
   * "POST /x.git/git-upload-pack version=2" asks for refs, without the version for objects.
   */
  fault(fault: Fault | null, matching?: RegExp): void;
  /** Asks for this user name and password from now on; null: for none. */
  require(credentials: { readonly username: string; readonly password: string } | null): void;
  close(): Promise<void>;
}

/** Serves every repository in a folder, for reading; pushing needs `git config http.receivepack true` there. */
export async function startGitServer(folder: string): Promise<GitServer> {
  const requests: { method: string; url: string; authorization: string | undefined }[] = [];
  let active: { readonly fault: Fault; readonly matching: RegExp } | null = null;
  let credentials: string | null = null;

  const server = createServer((request, response) => {
    const [method, url] = [request.method ?? "GET", request.url ?? "/"];
    requests.push({ method, url, authorization: request.headers.authorization });
    const fault = active?.matching.test(`${method} ${url} ${request.headers["git-protocol"] ?? ""}`.trimEnd())
      ? active.fault
      : null;
    if (fault !== null && simpleFault(fault, url, response)) return;
    if (credentials !== null && request.headers.authorization !== credentials) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    serveGit(folder, request, response, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fault(fault, matching = /./) {
      active = fault === null ? null : { fault, matching };
    },
    require(wanted) {
      const pair = wanted === null ? null : Buffer.from(`${wanted.username}:${wanted.password}`).toString("base64");
      credentials = pair === null ? null : `Basic ${pair}`;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The faults that need no answer from git; true when the request is dealt with. */
function simpleFault(fault: Fault, url: string, response: ServerResponse): boolean {
  switch (fault.kind) {
    case "status":
      response.writeHead(fault.status).end("refused");
      return true;
    case "hang":
      return true;
    case "empty":
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" }).end();
      return true;
    case "body":
      response.writeHead(200, { "content-type": fault.type }).end(fault.body);
      return true;
    case "redirect":
      response.writeHead(fault.status, { location: fault.to(url) }).end();
      return true;
    default:
      return false;
  }
}

/** CGI, as https://git-scm.com/docs/git-http-backend describes it. */
export function serveGit(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | null,
): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      ...GIT_ENV,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      CONTENT_LENGTH: request.headers["content-length"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "test",
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const chunks: Buffer[] = [];
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.once("close", () => sendCgi(Buffer.concat(chunks), response, fault));
}

function sendCgi(output: Buffer, response: ServerResponse, fault: Fault | null): void {
  const end = output.indexOf("\r\n\r\n");
  const headers = output
    .toString("latin1", 0, end)
    .split("\r\n")
    .map((line) => line.split(/: (.*)/s));
  const status = Number(headers.find(([name]) => name?.toLowerCase() === "status")?.[1]?.slice(0, 3) ?? 200);
  const body = Buffer.from(output.subarray(end + 4));
  for (const [name, value] of headers) {
    if (name !== undefined && value !== undefined && name.toLowerCase() !== "status") response.setHeader(name, value);
  }
  if (fault?.kind === "corrupt") {
    const at = body.indexOf(fault.behind) + fault.at;
    body[at] = (body[at] ?? 0) ^ 0xff;
  }
  if (fault?.kind === "cut") {
    response.writeHead(status, { "content-length": body.length });
    response.write(body.subarray(0, fault.afterBytes), () => response.destroy());
    return;
  }
  response.writeHead(status).end(fault?.kind === "truncate" ? body.subarray(0, fault.afterBytes) : body);
}
