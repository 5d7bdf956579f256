import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { demoEdges } from "../../wire.ts";
import { editFile, labNameOf } from "./playground.ts";
import type { Act, Stage } from "./stage.ts";
import { command, commit, quote, say } from "./stage.ts";

const fileAt = (stage: Stage, index: number): string => {
  const path = stage.files[index];
  if (path === undefined) throw new Error(`the demo's catalog has only ${stage.files.length} labs`);
  return path;
};

const labAt = (stage: Stage, index: number): string => labNameOf(fileAt(stage, index));

/** The address with which a lab's user connects, password included; it is used and never shown. */
const urlOf = async ({ edges }: Stage, lab: string): Promise<string> => {
  const detail = await (await edges.store()).lab(lab);
  const credentials = detail === null ? null : await (await edges.secrets()).get(`labs/${detail.lab.id}`);
  if (credentials === null) throw new Error(`${lab} has no credentials`);
  return credentials.reveal("url");
};

const ask = async (stage: Stage, lab: string, sql: string): Promise<void> => {
  const { askPostgres } = await demoEdges();
  say(stage, `${stage.context.colours.dim(`${lab}=>`)} ${sql}`);
  for (const row of await askPostgres(await urlOf(stage, lab), sql)) quote(stage, JSON.stringify(row));
};

const catalog: Act = {
  title: "A catalog is a git repository with one small file per lab",
  play: async (stage) => {
    const path = fileAt(stage, 0);
    for (const file of ["catalog.yaml", ...stage.files]) quote(stage, file);
    say(stage, `${stage.context.colours.dim("$")} cat ${path}`);
    quote(stage, await readFile(join(stage.playground.catalog, path), "utf8"));
    await command(stage, ["validate", stage.playground.catalog]);
  },
};

const plan: Act = {
  title: "The plan says what would happen, and changes nothing",
  play: (stage) => command(stage, ["reconcile", "--dry-run"]),
};

const bringUp: Act = {
  title: "Three real Postgres servers, in parallel",
  play: async (stage) => {
    await command(stage, ["reconcile", "--wait"]);
    await command(stage, ["status"]);
  },
};

const use: Act = {
  title: "A lab is usable: its credentials open it",
  play: async (stage) => {
    const lab = labAt(stage, 0);
    await command(stage, ["credentials", lab]);
    await ask(stage, lab, "create table visitors as select 'you' as name, now() as seen");
    await ask(stage, lab, "select name, current_user, split_part(version(), ' ', 2) as postgres from visitors");
  },
};

const update: Act = {
  title: "Editing a file changes the lab in place",
  play: async (stage) => {
    await editFile(stage.playground, fileAt(stage, 0), (text) =>
      /^ {2}ttlHours:/m.test(text)
        ? text.replace(/^ {2}ttlHours:.*$/m, "  ttlHours: 12")
        : text.replace(/^spec:$/m, "spec:\n  ttlHours: 12"),
    );
    await commit(stage, `Keep ${labAt(stage, 0)} for 12 hours`);
    await command(stage, ["reconcile", "--dry-run"]);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const brokenFile: Act = {
  title: "A broken file is refused, and its lab stays as it is",
  play: async (stage) => {
    const path = fileAt(stage, 1);
    const lab = labAt(stage, 1);
    const file = join(stage.playground.catalog, path);
    const good = await readFile(file, "utf8");
    await writeFile(file, good.replace(/^ {2}profile:.*$/m, "  profle: local-postgres"));
    await commit(stage, `Break ${lab}`);
    await command(stage, ["reconcile", "--wait"], 1);
    await ask(stage, lab, "select 'still here' as answer");
    await writeFile(file, good);
    await commit(stage, `Mend ${lab}`);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const destroy: Act = {
  title: "Deleting a file destroys its lab, and a receipt proves that it is gone",
  play: async (stage) => {
    const lab = labAt(stage, 2);
    await rm(join(stage.playground.catalog, fileAt(stage, 2)));
    await commit(stage, `Give ${lab} back`);
    await command(stage, ["reconcile", "--wait"]);
    await command(stage, ["status", lab]);
  },
};

const story: Act = {
  title: "Everything is explained",
  play: (stage) => command(stage, ["explain", labAt(stage, 2)]),
};

/** In order; each builds on those before it. */
export const ACTS: readonly Act[] = [catalog, plan, bringUp, use, update, brokenFile, destroy, story];
