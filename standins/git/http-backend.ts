/** git over HTTP, as a git host has it: `git http-backend` behind node's http, with switches for what goes wrong. */

import { spawn, spawnSync } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GIT_ENV } from "./repository.ts";

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

/** Whether this machine has the git program with the part that serves repositories. */
export function hasHttpBackend(): boolean {
  // Without a request it complains to its server, which it does only where it is there.
  const { stdout, error } = spawnSync("git", ["http-backend"], { env: GIT_ENV, encoding: "utf8", timeout: 10_000 });
  return error === undefined && /^Status: \d{3}/m.test(stdout);
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
