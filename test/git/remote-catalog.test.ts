import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, startGitServer } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
let server: GitServer;
beforeAll(async () => {
  server = await startGitServer(shop.path("."));
});
afterAll(() => server.close());

const url = (repository: { readonly name: string }): string => `${server.url}/${repository.name}.git`;
const posts = (): number => server.requests.filter(({ method }) => method === "POST").length;
const generations = (stateDir: string): string[] => {
  const home = join(stateDir, "catalog");
  return readdirSync(home).flatMap((name) => readdirSync(join(home, name)).filter((entry) => entry.startsWith("g-")));
};

describe("a catalog behind http", () => {
  it("is cloned once, then asked for what is new", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "catalog.yaml": "x\n", "labs/t/a.yaml": lab("a"), "labs/t/b.yaml": lab("b") });
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    expect(await catalog.head()).toBe(first);
    expect(show((await catalog.labChanges(null, first)).entries)).toHaveLength(2);
    expect(show(await catalog.policyFiles(first))).toEqual(["catalog.yaml x|"]);

    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2), "labs/t/b.yaml": null });
    expect(await catalog.head()).toBe(second);
    expect(show((await catalog.labChanges(first, second)).entries)).toEqual([
      "labs/t/a.yaml name: a|ttlHours: 2|",
      "labs/t/b.yaml removed",
    ]);
    expect(await catalog.isAncestor(first, second)).toBe(true);
    expect(await catalog.isAncestor(second, first)).toBe(false);
    expect(generations(stateDir)).toHaveLength(1);

    const again = shop.catalog(url(repository), { stateDir });
    expect(await again.head()).toBe(second);
    expect(await again.isAncestor(first, second)).toBe(true);
    expect(generations(stateDir)).toHaveLength(1);
  });

  it("asks for one ref and downloads nothing when nothing is new", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    for (let index = 0; index < 50; index++) repository.git(["update-ref", `refs/pull/${index}/head`, commit]);
    const catalog = shop.catalog(url(repository));
    await catalog.head();
    const before = posts();
    for (let turn = 0; turn < 3; turn++) expect(await catalog.head()).toBe(commit);
    expect(posts() - before).toBe(3);
  });

  it("answers without the network what it has fetched", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    const catalog = shop.catalog(url(repository));
    await catalog.head();
    server.fault({ kind: "status", status: 503 });
    expect((await catalog.labChanges(first, second)).entries).toHaveLength(1);
    expect(await catalog.isAncestor(first, second)).toBe(true);
    server.fault(null);
  });

  it("follows a branch that is moved back, rewritten or removed", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const second = repository.commit({ "labs/t/b.yaml": lab("b") });
    const catalog = shop.catalog(url(repository));
    expect(await catalog.head()).toBe(second);

    repository.git(["update-ref", "refs/heads/main", first]);
    expect(await catalog.head()).toBe(first);
    expect(await catalog.isAncestor(second, first)).toBe(false);
    expect(show((await catalog.labChanges(second, first)).entries)).toEqual(["labs/t/b.yaml removed"]);

    const rewritten = repository.commit({ "labs/t/c.yaml": lab("c") }, { from: null });
    expect(await catalog.head()).toBe(rewritten);
    expect(await catalog.isAncestor(first, rewritten)).toBe(false);
    expect(show((await catalog.labChanges(first, rewritten)).entries)).toEqual([
      "labs/t/a.yaml removed",
      "labs/t/c.yaml name: c|ttlHours: 24|",
    ]);

    repository.git(["update-ref", "-d", "refs/heads/main"]);
    await expect(catalog.head()).rejects.toMatchObject({ code: "LK1003" });
    expect((await catalog.labChanges(null, rewritten)).entries).toHaveLength(1);
    repository.git(["update-ref", "refs/heads/main", first]);
    expect(await catalog.head()).toBe(first);
  });

  it("reads the branch or tag it is told to, else the default branch, also when that is another one", async () => {
    const repository = shop.repository();
    const main = repository.commit({ "labs/t/a.yaml": lab("a") });
    const other = repository.commit({ "labs/t/a.yaml": lab("a", 2) }, { branch: "main-next", from: main });
    const nested = repository.commit({ "labs/t/a.yaml": lab("a", 3) }, { branch: "team/x/y", from: main });
    repository.git(["tag", "-a", "v1", "-m", "annotated", other]);
    const stateDir = shop.stateDir();
    const at = (ref?: string) =>
      shop.catalog(url(repository), { stateDir, ...(ref === undefined ? {} : { ref }) }).head();
    expect(await at()).toBe(main);
    expect(await at("main-next")).toBe(other);
    expect(await at("team/x/y")).toBe(nested);
    expect(await at("refs/heads/team/x/y")).toBe(nested);
    expect(await at("v1")).toBe(other);
    await expect(at("team/x")).rejects.toMatchObject({ code: "LK1003" });
    await expect(at("../main")).rejects.toMatchObject({ code: "LK1003" });
    repository.git(["symbolic-ref", "HEAD", "refs/heads/main-next"]);
    expect(await at()).toBe(other);
  });

  it("says so when the repository is empty, and goes on when it no longer is", async () => {
    const repository = shop.repository();
    const catalog = shop.catalog(url(repository));
    await expect(catalog.head()).rejects.toMatchObject({ code: "LK1003" });
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    expect(await catalog.head()).toBe(first);
  });

  it("follows a moved repository and keeps the token from other hosts", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    const other = await startGitServer(shop.path("."));
    try {
      server.fault({ kind: "redirect", status: 301, to: (path) => path.replace("/old/", `${other.url}/`) }, / \/old\//);
      const catalog = shop.catalog(`${server.url}/old/${repository.name}.git`, { token: async () => "s3cret" });
      expect(await catalog.head()).toBe(commit);
      expect(
        server.requests.filter(({ url }) => url.startsWith("/old/")).every((request) => request.authorization),
      ).toBe(true);
      expect(other.requests.length).toBeGreaterThan(0);
      expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true);

      server.fault({ kind: "redirect", status: 302, to: (path) => path }, / \/old\//);
      await expect(catalog.head()).rejects.toMatchObject({ code: "LK1001" });
      server.fault({ kind: "redirect", status: 302, to: () => "https://example.com/login" }, / \/old\//);
      await expect(catalog.head()).rejects.toMatchObject({ code: "LK1001" });
    } finally {
      server.fault(null);
      await other.close();
    }
  });

  it("gives its token when asked to, and stores it nowhere", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    const stateDir = shop.stateDir();
    server.require({ username: "x-access-token", password: "s3cret-token" });
    try {
      let token: string | null = null;
      const catalog = shop.catalog(url(repository), { stateDir, token: async () => token });
      await expect(catalog.head()).rejects.toMatchObject({
        code: "LK1001",
        remedy: expect.stringMatching(/set GITHUB_TOKEN/),
      });
      token = "wrong";
      await expect(catalog.head()).rejects.toMatchObject({ code: "LK1001", remedy: expect.stringMatching(/renew/) });
      token = "s3cret-token";
      expect(await catalog.head()).toBe(commit);
      const everything = readdirSync(stateDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      const encoded = Buffer.from("x-access-token:s3cret-token").toString("base64");
      for (const file of everything) {
        expect(readFileSync(file).includes("s3cret-token") || readFileSync(file).includes(encoded)).toBe(false);
      }
    } finally {
      server.require(null);
    }
  });

  it("never sends a token in the clear", async () => {
    const catalog = shop.catalog("http://labs.example.com/x.git", { token: async () => "s3cret" });
    await expect(catalog.head()).rejects.toMatchObject({ code: "LK1005" });
  });
});

describe("the mirror of a catalog", () => {
  it("is shared by processes that start at once", async () => {
    const repository = shop.repository();
    let head = repository.commit({ "labs/t/a.yaml": lab("a") });
    const stateDir = shop.stateDir();
    for (let turn = 0; turn < 2; turn++) {
      const readers = [1, 2, 3].map(() => reader(url(repository), stateDir));
      expect(await Promise.all(readers.map(({ output }) => output))).toEqual(readers.map(() => `${head} 1`));
      head = repository.commit({ "labs/t/a.yaml": lab("a", turn) });
    }
  });

  it("survives processes that are killed in the middle of a clone and of a fetch", async () => {
    const repository = shop.repository();
    const stateDir = shop.stateDir();
    for (const ttlHours of [1, 2]) {
      const head = repository.commit({ "labs/t/a.yaml": lab("a", ttlHours) });
      server.fault({ kind: "hang" }, /^POST .*upload-pack$/);
      const before = server.requests.length;
      const victim = reader(url(repository), stateDir);
      await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(before + 4);
      victim.kill();
      await victim.output;
      server.fault(null);
      const catalog = shop.catalog(url(repository), { stateDir });
      expect(await catalog.head()).toBe(head);
      expect((await catalog.labChanges(null, head)).entries).toHaveLength(1);
    }
  });

  it("is made anew when it is damaged, whatever the damage", async () => {
    const repository = shop.repository();
    const files = Object.fromEntries([...Array(30).keys()].map((i) => [`labs/t${i}/l${i}.yaml`, lab(`l${i}`)]));
    const first = repository.commit(files);
    const intact = shop.stateDir();
    await shop.catalog(url(repository), { stateDir: intact }).head();
    const damages: readonly [string, (gitdir: string) => void][] = [
      ["index cut", (gitdir) => truncateSync(packFile(gitdir, ".idx"), 1200)],
      ["index empty", (gitdir) => truncateSync(packFile(gitdir, ".idx"), 0)],
      ["pack cut", (gitdir) => truncateSync(packFile(gitdir, ".pack"), 200)],
      ["pack rubbish", (gitdir) => writeFileSync(packFile(gitdir, ".pack"), "rubbish")],
      ["pack gone", (gitdir) => rmSync(packFile(gitdir, ".pack"))],
      ["no packs", (gitdir) => rmSync(join(gitdir, "objects"), { recursive: true })],
      ["no config", (gitdir) => rmSync(join(gitdir, "config"))],
      ["nothing", (gitdir) => rmSync(gitdir, { recursive: true })],
      ["bad pointer", (gitdir) => writeFileSync(join(gitdir, "../current"), "../../elsewhere")],
    ];
    for (const [damage, inflict] of damages) {
      for (const gitCommand of ["git", null]) {
        const stateDir = shop.stateDir();
        cpSync(intact, stateDir, { recursive: true });
        const home = join(stateDir, "catalog", readdirSync(join(stateDir, "catalog"))[0]!);
        inflict(join(home, readdirSync(home).find((name) => name.startsWith("g-"))!));
        const catalog = shop.catalog(url(repository), { stateDir, gitCommand });
        expect((await catalog.labChanges(null, first)).entries, damage).toHaveLength(30);
        expect(await catalog.head(), damage).toBe(first);
      }
    }
  });

  it("is made anew when packs have piled up", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    await catalog.head();
    const folder = join(packFile(stateDir, ".pack"), "..");
    for (let index = 0; index < 250; index++) writeFileSync(join(folder, `pack-${index}.pack`), "");
    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    expect(await catalog.head()).toBe(second);
    expect(show((await catalog.labChanges(first, second)).entries)).toEqual(["labs/t/a.yaml name: a|ttlHours: 2|"]);
    expect(generations(stateDir)).toHaveLength(2);
  });

  it("keeps what another process may still read, and nothing longer", async () => {
    const repository = shop.repository();
    repository.commit({ "labs/t/a.yaml": lab("a") });
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    await catalog.head();
    const home = join(stateDir, "catalog", readdirSync(join(stateDir, "catalog"))[0]!);
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    const replace = async (): Promise<string> => {
      const name = readFileSync(join(home, "current"), "utf8").trim();
      utimesSync(join(home, name), longAgo, longAgo);
      truncateSync(packFile(join(home, name), ".idx"), 0);
      await shop.catalog(url(repository), { stateDir }).head();
      return name;
    };
    const first = await replace();
    expect(readdirSync(home)).toContain(first);
    utimesSync(join(home, first), longAgo, longAgo);
    const second = await replace();
    expect(readdirSync(home)).not.toContain(first);
    expect(readdirSync(home)).toContain(second);
    expect((await catalog.labChanges(null, await catalog.head())).entries).toHaveLength(1);
  });

  it("gets older history when it is asked for", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const more = [...Array(230).keys()].map(
      (turn) =>
        `commit refs/heads/main\ncommitter T <t@example.com> ${1_700_001_000 + turn} +0000\ndata 1\nx\n` +
        `${turn === 0 ? `from ${first}\n` : ""}M 100644 inline labs/t/a.yaml\ndata 3\n${100 + turn}\n`,
    );
    repository.git(["fast-import", "--quiet"], more.join(""));
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    const head = await catalog.head();
    expect((await catalog.labChanges(first, head)).complete).toBe(true);
    expect(await catalog.isAncestor(first, head)).toBe(true);
    expect((await catalog.labChanges(first, head)).complete).toBe(false);
    expect(await catalog.isAncestor("1".repeat(40), head)).toBe(false);
    expect(generations(stateDir)).toHaveLength(2);
    const next = repository.commit({ "labs/t/a.yaml": lab("a", 1000) });
    expect(await catalog.head()).toBe(next);
    expect(await catalog.isAncestor(first, next)).toBe(true);
  });
});

/** A process of its own that says which commit it sees, and how many labs. */
function reader(address: string, stateDir: string): { readonly output: Promise<string>; kill(): void } {
  const module = new URL("../../src/git/open-catalog.ts", import.meta.url).href;
  const script = `
    const { openCatalog } = await import(${JSON.stringify(module)});
    const catalog = openCatalog(${JSON.stringify({ url: address, stateDir })});
    const head = await catalog.head();
    console.log(head, (await catalog.labChanges(null, head)).entries.length);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = child.stdout.setEncoding("utf8").toArray();
  return { output: output.then((parts) => parts.join("").trim()), kill: () => void child.kill("SIGKILL") };
}

function packFile(folder: string, ending: string): string {
  const name = readdirSync(folder, { recursive: true }).find((entry) => String(entry).endsWith(ending));
  return join(folder, String(name));
}
