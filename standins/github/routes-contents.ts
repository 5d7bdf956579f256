import { execFileSync } from "node:child_process";
import { GIT_ENV, git } from "../git/repository.ts";
import { commitBody } from "./body-commit.ts";
import { htmlUrl, repositoryUrl } from "./body-repository.ts";
import { type Changes, commitChanges, commitOf, lines, type Person, tip } from "./git-work.ts";
import { person } from "./pulls.ts";
import { moveBranch } from "./pushes.ts";
import { notFound, Refusal } from "./refusal.ts";
import { type Answer, type Call, type Routes, text } from "./route.ts";
import type { Body, World } from "./world.ts";

const WRITE = { installation: ["contents:write"], user: "write" } as const;

export const contentRoutes: Routes = {
  "GET /repos/{owner}/{repo}/contents/{path}": {
    installation: ["contents:read"],
    user: "read",
    run({ world, path, query, accept }) {
      const ref = query["ref"] ?? world.repository.defaultBranch;
      const commit = commitOf(world.repository.path, ref);
      if (commit === null) throw new Refusal(404, `No commit found for the ref ${ref}`);
      const name = path["path"] ?? "";
      const entry = entryAt(world, commit, name);
      if (entry === null) throw notFound();
      if (entry.type === "tree") {
        const inside = entriesBelow(world, commit, name === "" ? "." : `${name}/`);
        return { status: 200, body: inside.map((one) => entryBody(world, one, ref)) };
      }
      const bytes = blob(world, entry.oid);
      if (accept.includes("raw")) return { status: 200, raw: bytes };
      return { status: 200, body: fileBody(world, entry, ref, bytes) };
    },
  },
  "PUT /repos/{owner}/{repo}/contents/{path}": { ...WRITE, run: (call) => write(call, content(call)) },
  "DELETE /repos/{owner}/{repo}/contents/{path}": { ...WRITE, run: (call) => write(call, null) },
};

interface Entry {
  readonly mode: string;
  readonly type: "blob" | "tree" | "commit";
  readonly oid: string;
  readonly size: number;
  readonly path: string;
}

function content({ body }: Call): Buffer {
  return Buffer.from(text(body["content"]) ?? "", "base64");
}

/** Writes (null: removes) one file in a commit of its own. */
function write(call: Call, bytes: Buffer | null): Answer {
  const { world, actor, path, body } = call;
  const { repository } = world;
  const branch = text(body["branch"]) ?? repository.defaultBranch;
  const parent = tip(repository.path, `refs/heads/${branch}`);
  if (parent === null) throw new Refusal(404, `Branch ${branch} not found`);
  const name = path["path"] ?? "";
  const entry = entryAt(world, parent, name);
  const sha = text(body["sha"]);
  if (bytes === null && entry === null) throw notFound();
  if (entry?.type === "tree") throw new Refusal(422, `${name} is a directory`);
  if (entry !== null && sha === null) throw new Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  if (sha !== null && entry?.oid !== sha) throw new Refusal(409, `${name} does not match ${sha}`);
  const author = given(body["author"]) ?? given(body["committer"]) ?? person(world, actor.login);
  const changes: Changes = { [name]: bytes };
  const commit = commitChanges(repository.path, {
    parent,
    changes,
    message: text(body["message"]) ?? "",
    author,
    ...(given(body["committer"]) === null ? {} : { committer: given(body["committer"]) ?? author }),
    at: world.clock.now(),
  });
  moveBranch(world, repository, branch, commit, actor);
  const written = entryAt(world, commit, name);
  const { commit: text_, ...rest } = commitBody(world, commit);
  return {
    status: entry === null ? 201 : 200,
    body: {
      content: written === null ? null : entryBody(world, written, branch),
      commit: { ...rest, ...(text_ as Body), author: (text_ as Body)["author"], committer: (text_ as Body)["author"] },
    },
  };
}

function given(value: unknown): Person | null {
  const { name, email } = Object(value) as Body;
  return typeof name === "string" && typeof email === "string" ? { name, email } : null;
}

function entryAt(world: World, commit: string, path: string): Entry | null {
  if (path === "") return { mode: "040000", type: "tree", oid: commit, size: 0, path };
  return entriesBelow(world, commit, path).find((entry) => entry.path === path) ?? null;
}

function entriesBelow(world: World, commit: string, path: string): readonly Entry[] {
  const output = git(world.repository.path, ["ls-tree", "-l", "-z", commit, "--", path]);
  return lines(output.replace(/\0$/, "").replaceAll("\0", "\n")).map((line) => {
    const [facts = "", name = ""] = line.split("\t");
    const [mode = "", type = "", oid = "", size = "0"] = facts.split(/ +/);
    return { mode, type: type as Entry["type"], oid, size: Number(size) || 0, path: name };
  });
}

function blob(world: World, oid: string): Buffer {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  return execFileSync("git", ["cat-file", "blob", oid], {
    cwd: world.repository.path,
    env: GIT_ENV,
    stdio: [...stdio],
  });
}

function kindOf({ mode, type }: Entry): "file" | "dir" | "symlink" | "submodule" {
  if (type === "tree") return "dir";
  if (type === "commit") return "submodule";
  return mode === "120000" ? "symlink" : "file";
}

/** An entry of `content-directory`. */
function entryBody(world: World, entry: Entry, ref: string): Body {
  const path = entry.path.split("/").map(encodeURIComponent).join("/");
  const self = `${repositoryUrl(world)}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const kind = kindOf(entry);
  const place = `${repositoryUrl(world)}/git/${entry.type === "tree" ? "trees" : "blobs"}/${entry.oid}`;
  const html = `${htmlUrl(world)}/${entry.type === "tree" ? "tree" : "blob"}/${ref}/${path}`;
  return {
    type: kind,
    name: entry.path.slice(entry.path.lastIndexOf("/") + 1),
    path: entry.path,
    sha: entry.oid,
    size: entry.size,
    url: self,
    html_url: html,
    git_url: place,
    download_url: kind === "file" ? `${htmlUrl(world)}/raw/${ref}/${path}` : null,
    _links: { self, git: place, html },
  };
}

/** `content-file`, or a link's. */
function fileBody(world: World, entry: Entry, ref: string, bytes: Buffer): Body {
  const body = entryBody(world, entry, ref);
  if (body["type"] === "symlink") return { ...body, target: bytes.toString() };
  const encoded = bytes.toString("base64").replace(/.{60}/g, "$&\n");
  return { ...body, encoding: "base64", content: `${encoded}\n` };
}
