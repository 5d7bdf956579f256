import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { destroyOrphan } from "../../src/cli/orphans.ts";
import type { CloudResource, OrphanRow } from "../../src/cloud-ports.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, asJanitor } from "../store/seed.ts";
import { inProcess } from "./run-in-process.ts";

let folder = "";
let database: TestDatabase;
let store: Store;
let labId = "";

const volume = (id: string, change: Partial<CloudResource> = {}): CloudResource => ({
  id: `arn:aws:ec2:us-east-1:123456789012:volume/${id}`,
  type: "ec2:volume",
  account: "default",
  region: "us-east-1",
  infraId: "lost-x1",
  labId: null,
  createdAt: new Date(Date.now() - 26 * 3_600_000),
  dailyCost: 0.3,
  ...change,
});
const [ONE, TWO, OWNED] = ["vol-1", "vol-2", "vol-3"].map((id) => volume(id).id) as [string, string, string];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper orphans-"));
  database = await createDatabase();
  store = await openStore(database.connection, { max: 2 });
  await applyCatalog(store, [aLabFile("a")]);
  labId = (await store.labs(true))[0]?.lab.id ?? "";
});
afterAll(async () => {
  await store.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  const finding = (resource: CloudResource) => ({ resource, why: "infraId unknown", lab: null });
  const owned = volume("vol-3", { labId });
  const strange = volume("vol-2", { dailyCost: null, createdAt: null });
  await asJanitor(store, async (lease) => {
    await store.recordSweep([], [], new Date(), lease);
    await store.recordSweep([volume("vol-1"), strange, owned].map(finding), [], new Date(), lease);
  });
});

const run = (...args: string[]) =>
  inProcess(args, {
    LABKEEPER_STATE_DIR: join(folder, "state"),
    LABKEEPER_DATABASE_URL: database.url,
    LABKEEPER_CONFIG: join(folder, "none.yaml"),
  });
beforeAll(() => writeFile(join(folder, "none.yaml"), ""));

const open = async (): Promise<string[]> => (await store.orphans(false)).map(({ resource }) => resource.id);

describe("orphans list", () => {
  it("says what there is, how old, what it costs and why", async () => {
    const { code, stdout, stderr } = await run("orphans", "list");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`open +ec2:volume +1d 2h +\\$0.30 +- +infraId unknown +${ONE}`));
    expect(stdout).toMatch(/open +ec2:volume +\? +\? +- /);
    expect(stdout).toContain("3 open, about $0.60 a day and 1 of unknown cost");
    expect(stderr).toContain("set aws.regions");
  });

  it("is a document for programs", async () => {
    const { stdout } = await run("orphans", "list", "-o", "json");
    const { kind, orphans } = JSON.parse(stdout) as { kind: string; orphans: OrphanRow[] };
    expect(kind).toBe("Orphans");
    expect(orphans.map(({ resource }) => resource.id)).toEqual([ONE, TWO, OWNED]);
  });
});

describe("orphans ignore", () => {
  it("leaves one out, whose decision stays", async () => {
    expect(await run("orphans", "ignore", TWO)).toMatchObject({ code: 0, stdout: `${TWO} is ignored.\n` });
    expect(await open()).toEqual([ONE, OWNED]);
    const all = await run("orphans", "list", "--all");
    expect(all.stdout).toMatch(/ignored +ec2:volume/);
  });

  it("refuses what is not listed, patterns above all", async () => {
    for (const id of ["vol-1", "arn:aws:ec2:us-east-1:123456789012:volume/*", ""]) {
      expect(await run("orphans", "ignore", id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^LK3006: /) });
    }
    expect(await open()).toContain(ONE);
  });
});

describe("orphans destroy", () => {
  it("needs --yes where nobody can be asked", async () => {
    expect(await run("orphans", "destroy", ONE)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--yes is needed\n→ See `labkeeper orphans destroy --help`/),
    });
  });

  const removed: CloudResource[] = [];
  const destroy = async (id: string, agree: boolean, failure?: Error) => {
    const told: string[] = [];
    removed.length = 0;
    const row = await destroyOrphan(
      {
        store,
        account: {
          destroyResource: async (resource) => {
            if (failure !== undefined) throw failure;
            removed.push(resource);
          },
        },
        actor: "cli:tester",
        signal: new AbortController().signal,
        agree: async (what) => {
          told.push(what);
          return agree;
        },
      },
      id,
    );
    return { row, told };
  };

  it("removes exactly that resource, after saying what it is, and records who did", async () => {
    const { row, told } = await destroy(ONE, true);
    expect(told).toEqual([`ec2:volume ${ONE} in default/us-east-1, $0.30 a day: infraId unknown`]);
    expect(removed).toEqual([volume("vol-1", { createdAt: removed[0]?.createdAt ?? null })]);
    expect(row).toMatchObject({ state: "destroyed" });
    expect(await open()).not.toContain(ONE);
    await expect(destroy(ONE, true)).rejects.toMatchObject({ code: "LK3006" });
  });

  it("leaves it when nobody agrees", async () => {
    expect(await destroy(ONE, false)).toMatchObject({ row: null });
    expect(removed).toEqual([]);
    expect(await open()).toContain(ONE);
  });

  it("refuses what a living lab answers for by now", async () => {
    await expect(destroy(OWNED, true)).rejects.toMatchObject({
      code: "LK3006",
      message: expect.stringContaining("belongs to a living lab"),
    });
    expect(removed).toEqual([]);
  });

  it("keeps it listed when the cloud refuses", async () => {
    const refusal = new LabkeeperError("LK5308", "in use");
    await expect(destroy(ONE, true, refusal)).rejects.toBe(refusal);
    expect(await open()).toContain(ONE);
  });
});
