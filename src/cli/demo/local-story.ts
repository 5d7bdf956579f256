import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { editFile } from "./playground.ts";
import type { Act, LocalStage } from "./stage.ts";
import { ask, command, commit, fileAt, labAt, misspelt, quote, say, useLab, withHours } from "./stage.ts";

type LocalAct = Act<LocalStage>;

const catalog: LocalAct = {
  title: "A catalog is a git repository with one small file per lab",
  play: async (stage) => {
    const path = fileAt(stage, 0);
    for (const file of ["catalog.yaml", ...stage.files]) quote(stage, file);
    say(stage, `${stage.context.colours.dim("$")} cat ${path}`);
    quote(stage, await readFile(join(stage.playground.catalog, path), "utf8"));
    await command(stage, ["validate", stage.playground.catalog]);
  },
};

const plan: LocalAct = {
  title: "The plan says what would happen, and changes nothing",
  play: (stage) => command(stage, ["reconcile", "--dry-run"]),
};

const bringUp: LocalAct = {
  title: "Three real Postgres servers, in parallel",
  play: async (stage) => {
    await command(stage, ["reconcile", "--wait"]);
    await command(stage, ["status"]);
  },
};

const use: LocalAct = {
  title: "A lab is usable: its credentials open it",
  play: (stage) => useLab(stage, labAt(stage, 0)),
};

const update: LocalAct = {
  title: "Editing a file changes the lab in place",
  play: async (stage) => {
    await editFile(stage.playground, fileAt(stage, 0), (text) => withHours(text, 12));
    await commit(stage, `Keep ${labAt(stage, 0)} for 12 hours`);
    await command(stage, ["reconcile", "--dry-run"]);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const brokenFile: LocalAct = {
  title: "A broken file is refused, and its lab stays as it is",
  play: async (stage) => {
    const path = fileAt(stage, 1);
    const lab = labAt(stage, 1);
    const file = join(stage.playground.catalog, path);
    const good = await readFile(file, "utf8");
    await writeFile(file, misspelt(good));
    await commit(stage, `Break ${lab}`);
    await command(stage, ["reconcile", "--wait"], 1);
    await ask(stage, lab, "select 'still here' as answer");
    await writeFile(file, good);
    await commit(stage, `Mend ${lab}`);
    await command(stage, ["reconcile", "--wait"]);
  },
};

const destroy: LocalAct = {
  title: "Deleting a file destroys its lab, and a receipt proves that it is gone",
  play: async (stage) => {
    const lab = labAt(stage, 2);
    await rm(join(stage.playground.catalog, fileAt(stage, 2)));
    await commit(stage, `Give ${lab} back`);
    await command(stage, ["reconcile", "--wait"]);
    await command(stage, ["status", lab]);
  },
};

const story: LocalAct = {
  title: "Everything is explained",
  play: (stage) => command(stage, ["explain", labAt(stage, 2)]),
};

/** In order; each builds on those before it. */
export const LOCAL_STORY: readonly LocalAct[] = [catalog, plan, bringUp, use, update, brokenFile, destroy, story];
