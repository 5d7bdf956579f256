/** What a soak's processes share: a database, a catalog, a cloud and folders. Its own looks are told from theirs. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Connection } from "../src/local/postgres/presence.ts";
import { folderSecrets } from "../src/local/secrets.ts";
import type { SecretStore } from "../src/ports.ts";
import { folderCloud, type SimulatedWorld } from "../src/provisioners/simulated-cloud.ts";
import { openStore } from "../src/store/open.ts";
import { createRepository, type Files, temporaryFolder } from "../standins/git/repository.ts";

/** Marks the soak's own connections and statements, which no fault reaches and no figure counts. */
export const OBSERVER = "soak-observer";

export interface SoakWorld extends AsyncDisposable {
  readonly folder: string;
  readonly connection: Connection;
  readonly cloud: SimulatedWorld;
  readonly secrets: SecretStore;
  commit(files: Files): void;
  sql<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** As people who are asked do: everything here is meant. */
  approveHolds(): Promise<void>;
  /** Whether the newest commit is planned and queued. */
  isPlanned(): Promise<boolean>;
}

export async function soakWorld(connection: Connection): Promise<SoakWorld> {
  const folder = temporaryFolder();
  const admin = new pg.Pool({ ...connection, max: 2, application_name: OBSERVER });
  admin.on("error", () => undefined);
  const store = await openStore(connection, { max: 2, name: OBSERVER });
  const cloud = folderCloud(folder.path);
  await cloud.open();
  mkdirSync(join(folder.path, "state"));
  const repository = createRepository(join(folder.path, "catalog.git"));
  let newest = "";
  const sql = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await admin.query<Row>(`/* ${OBSERVER} */ ${text}`, [...values])).rows;
  return {
    folder: folder.path,
    connection,
    cloud,
    secrets: folderSecrets({ root: join(folder.path, "secrets"), keyFile: join(folder.path, "secrets.key") }),
    commit(files) {
      newest = repository.commit(files);
    },
    sql,
    async approveHolds() {
      // Of several people who approve at once the others find nothing left to do.
      for (const { id } of await sql<{ id: string }>("select id from holds where state = 'open' and approvable"))
        await store.approve(id, "octocat").catch(() => undefined);
    },
    async isPlanned() {
      const [row] = await sql<{ commit: string }>("select commit from revisions order by id desc limit 1");
      return row?.commit === newest;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await admin.end();
      folder.remove();
    },
  };
}
