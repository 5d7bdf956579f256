import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../../standins/git/http-backend.ts";
import type { BareRepository } from "../../standins/git/repository.ts";
import { type GitServer, startGitServer } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
let server: GitServer;
let repository: BareRepository & { readonly name: string };
let first: string;
beforeAll(async () => {
  server = await startGitServer(shop.path("."));
});
beforeEach(() => {
  server.fault(null);
  repository = shop.repository();
  first = repository.commit({ "labs/t/a.yaml": lab("a"), "labs/t/b.yaml": lab("b") });
});
afterAll(() => server.close());

const url = (): string => `${server.url}/${repository.name}.git`;

/** The steps of an operation: what is served here, which refs there are, and the objects. */
const STEPS = {
  any: /./,
  discover: /^GET .* version=2$/,
  refs: /^POST .* version=2$/,
  discoverAgain: /^GET .*upload-pack$/,
  objects: /^POST .*upload-pack$/,
} as const;

const FAULTS: readonly (readonly [string, keyof typeof STEPS, Fault, RegExp])[] = [
  ["401", "any", { kind: "status", status: 401 }, /GITHUB_TOKEN/],
  ["403", "any", { kind: "status", status: 403 }, /read access/],
  ["404", "any", { kind: "status", status: 404 }, /LABKEEPER_CATALOG/],
  ["429", "refs", { kind: "status", status: 429 }, /tried again/],
  ["500", "discover", { kind: "status", status: 500 }, /tried again/],
  ["500 for objects", "objects", { kind: "status", status: 500 }, /tried again/],
  ["silence", "any", { kind: "hang" }, /network/],
  ["silence for objects", "objects", { kind: "hang" }, /network/],
  ["an empty answer", "any", { kind: "empty" }, /network/],
  ["an empty answer for refs", "refs", { kind: "empty" }, /network/],
  ["an empty answer for objects", "objects", { kind: "empty" }, /network/],
  ["a sign-in page", "any", { kind: "body", body: "<html>sign in</html>", type: "text/html" }, /sign-in page/],
  ["a connection cut at once", "any", { kind: "cut", afterBytes: 0 }, /network/],
  ["a cut connection", "discover", { kind: "cut", afterBytes: 40 }, /network/],
  ["a connection cut among refs", "refs", { kind: "cut", afterBytes: 20 }, /network/],
  ["a connection cut among objects", "objects", { kind: "cut", afterBytes: 200 }, /network/],
  ["half an answer", "discoverAgain", { kind: "truncate", afterBytes: 60 }, /network/],
  ["half the refs", "refs", { kind: "truncate", afterBytes: 20 }, /network/],
  ["half the objects", "objects", { kind: "truncate", afterBytes: 200 }, /network/],
  ["a changed byte", "discover", { kind: "corrupt", behind: "", at: 2 }, /./],
  ["a changed byte among objects", "objects", { kind: "corrupt", behind: "PACK", at: 30 }, /network/],
  ["a changed byte in the number of objects", "objects", { kind: "corrupt", behind: "PACK", at: 11 }, /network/],
];

async function failing(run: () => Promise<unknown>, remedy: RegExp): Promise<void> {
  const error = await run().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "LK1001", disposition: "retry", remedy: expect.stringMatching(remedy) });
}

describe("what goes wrong", () => {
  it.each(FAULTS)("%s: nothing is lost, and the next call works", async (_name, step, fault, remedy) => {
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(), { stateDir });
    const impatient = fault.kind === "hang" ? shop.catalog(url(), { stateDir, idleMs: 100 }) : catalog;

    server.fault(fault, STEPS[step]);
    await failing(() => impatient.head(), remedy);
    await failing(() => impatient.labChanges(null, first), remedy);
    server.fault(null);
    expect(generations(stateDir)).toBe(0);
    expect(await catalog.head()).toBe(first);
    expect((await catalog.labChanges(null, first)).entries).toHaveLength(2);

    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    server.fault(fault, STEPS[step]);
    await failing(() => impatient.head(), remedy);
    expect((await catalog.labChanges(null, first)).entries).toHaveLength(2);
    server.fault(null);
    expect(await catalog.head()).toBe(second);
    expect(show((await catalog.labChanges(first, second)).entries)).toEqual(["labs/t/a.yaml name: a|ttlHours: 2|"]);
    expect(generations(stateDir)).toBe(1);
  });
});

const generations = (stateDir: string): number =>
  existsSync(stateDir)
    ? readdirSync(stateDir, { recursive: true }).filter((name) => /\/g-[0-9a-f]+$/.test(String(name))).length
    : 0;

describe("waiting", () => {
  it("ends when the caller gives up", async () => {
    const catalog = shop.catalog(url());
    server.fault({ kind: "hang" });
    const stop = new AbortController();
    const head = catalog.head(stop.signal);
    await expect.poll(() => server.requests.at(-1)?.url).toContain(repository.name);
    stop.abort();
    await expect(head).rejects.toMatchObject({ code: "LK1001", message: expect.stringContaining("interrupted") });
    server.fault(null);
    expect(await catalog.head()).toBe(first);
    await expect(catalog.head(AbortSignal.abort())).rejects.toMatchObject({ code: "LK1001" });
    await expect(shop.catalog(repository.path).head(AbortSignal.abort())).rejects.toMatchObject({ code: "LK1001" });
  });

  it("ends at once when nobody listens", async () => {
    const port = await new Promise<number>((resolve) => {
      const socket = createServer().listen(0, "127.0.0.1", () => {
        const address = socket.address();
        socket.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    const catalog = shop.catalog(`http://127.0.0.1:${port}/x.git`);
    await expect(catalog.head()).rejects.toMatchObject({
      code: "LK1001",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });
});
