/** Real git for tests: odd trees, working trees, and a server on 127.0.0.1 with switches for what goes wrong. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type Fault, serveGit } from "../standins/git/http-backend.ts";
import { git } from "../standins/git/repository.ts";

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
