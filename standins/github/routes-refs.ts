import { commitBody } from "./body-commit.ts";
import { changedFileBodies } from "./body-pull.ts";
import { fullRepositoryBody, htmlUrl, repositoryUrl } from "./body-repository.ts";
import { commitOf, isAncestor, readCommit, tip } from "./git-work.ts";
import { moveBranch } from "./pushes.ts";
import { notFound, Refusal } from "./refusal.ts";
import { type Caller, type Routes, text } from "./route.ts";
import type { Body, World } from "./world.ts";

const READ = { installation: ["contents:read"], user: "read" } as const;
const WRITE = { installation: ["contents:write"], user: "write" } as const;

export const refRoutes: Routes = {
  "GET /repos/{owner}/{repo}": {
    installation: [],
    user: "read",
    run: ({ world, caller }) => ({ status: 200, body: fullRepositoryBody(world, permissionsOf(world, caller)) }),
  },
  "GET /repos/{owner}/{repo}/git/ref/{ref}": {
    ...READ,
    run({ world, path }) {
      const ref = `refs/${path["ref"]}`;
      const sha = tip(world.repository.path, ref);
      if (sha === null) throw notFound();
      return { status: 200, body: refBody(world, ref, sha) };
    },
  },
  "POST /repos/{owner}/{repo}/git/refs": {
    ...WRITE,
    run({ world, actor, body }) {
      const ref = text(body["ref"]) ?? "";
      const sha = text(body["sha"]) ?? "";
      const branch = branchOf(ref.replace(/^refs\//, ""));
      if (commitOf(world.repository.path, sha) === null) throw new Refusal(422, "Object does not exist");
      if (tip(world.repository.path, ref) !== null) throw new Refusal(422, "Reference already exists");
      moveBranch(world, world.repository, branch, sha, actor);
      return { status: 201, body: refBody(world, ref, sha) };
    },
  },
  "PATCH /repos/{owner}/{repo}/git/refs/{ref}": {
    ...WRITE,
    run({ world, actor, path, body }) {
      const branch = branchOf(path["ref"] ?? "");
      const ref = `refs/heads/${branch}`;
      const sha = text(body["sha"]) ?? "";
      const before = tip(world.repository.path, ref);
      if (before === null) throw new Refusal(422, "Reference does not exist");
      if (commitOf(world.repository.path, sha) === null) throw new Refusal(422, "Object does not exist");
      if (body["force"] !== true && !isAncestor(world.repository.path, before, sha)) {
        throw new Refusal(422, "Update is not a fast forward");
      }
      moveBranch(world, world.repository, branch, sha, actor);
      return { status: 200, body: refBody(world, ref, sha) };
    },
  },
  "DELETE /repos/{owner}/{repo}/git/refs/{ref}": {
    ...WRITE,
    run({ world, actor, path }) {
      const branch = branchOf(path["ref"] ?? "");
      if (tip(world.repository.path, `refs/heads/${branch}`) === null) {
        throw new Refusal(422, "Reference does not exist");
      }
      moveBranch(world, world.repository, branch, null, actor);
      return { status: 204 };
    },
  },
  "GET /repos/{owner}/{repo}/commits/{ref}": {
    ...READ,
    run({ world, path }) {
      const sha = commitOf(world.repository.path, path["ref"] ?? "");
      if (sha === null) throw new Refusal(422, `No commit found for SHA: ${path["ref"]}`);
      const [parent] = readCommit(world.repository.path, sha).parents;
      const files = parent === undefined ? [] : changedFileBodies(world, parent, sha);
      return { status: 200, body: { ...commitBody(world, sha), files } };
    },
  },
  "GET /repos/{owner}/{repo}/branches/{branch}": {
    ...READ,
    run({ world, path }) {
      const name = path["branch"] ?? "";
      const sha = tip(world.repository.path, `refs/heads/${name}`);
      if (sha === null) throw new Refusal(404, "Branch not found");
      const url = `${repositoryUrl(world)}/branches/${name}`;
      const body = {
        name,
        commit: commitBody(world, sha),
        _links: { self: url, html: `${htmlUrl(world)}/tree/${name}` },
        protected: false,
        protection: { enabled: false },
        protection_url: `${url}/protection`,
      };
      return { status: 200, body };
    },
  },
};

/** Only branches are written here. */
function branchOf(ref: string): string {
  const branch = /^heads\/(.+)$/.exec(ref)?.[1];
  if (branch === undefined) throw new Refusal(422, "Reference name must start with 'refs/heads/'");
  return branch;
}

function refBody(world: World, ref: string, sha: string): Body {
  return {
    ref,
    node_id: Buffer.from(`REF_${ref}`).toString("base64url"),
    url: `${repositoryUrl(world)}/git/${ref}`,
    object: { type: "commit", sha, url: `${repositoryUrl(world)}/git/commits/${sha}` },
  };
}

function permissionsOf(world: World, caller: Caller): Body | null {
  if (caller.kind !== "user") return null;
  const may = (role: "admin" | "maintain" | "write" | "triage"): boolean => world.people.may(caller.login, role);
  return { admin: may("admin"), maintain: may("maintain"), push: may("write"), triage: may("triage"), pull: true };
}
