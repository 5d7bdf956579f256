import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { type Files, temporaryFolder } from "../../standins/git/repository.ts";
import { blocks, codes, page, section, table } from "../docs/pages.ts";
import { metadata, pullRequest, type Step, step } from "./runner.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const text = page("docs/action.md");
const root = packageFile("catalog-example");

const example: Files = Object.fromEntries(
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .map((path) => [path, readFileSync(join(root, path), "utf8")]),
);

const shop = (version: string): string => `apiVersion: labkeeper.dev/v1
kind: Lab
metadata: { name: team-b-shop, team: team-b, owner: hubot, costCenter: research }
spec:
  profile: aws-minimal-test
  version: ${version}
  ttlHours: 12
  workers: 0
`;

const run = async (change: Files): Promise<Step> => {
  const { event, checkout } = pullRequest(folder.path, { before: example, change });
  return await step({ workspace: checkout({ depth: 2 }), event });
};

const withoutCommits = (shown: string): string => shown.replaceAll(/\b[0-9a-f]{12,40}\b/g, "COMMIT").trim();

test("the summary that the page shows is what the action writes", async () => {
  const orders = String(example["labs/team-a/team-a-orders.yaml"]);
  const { summary } = await run({
    "labs/team-b/team-b-shop.yaml": shop('"4.20.3"'),
    "labs/team-a/team-a-orders.yaml": orders.replace("ttlHours: 24", "ttlHours: 48"),
    "labs/team-a/team-a-reports.yaml": null,
  });
  const shown = /<!-- sample -->\n([\s\S]*?)\n?<!-- \/sample -->/.exec(text)?.[1] ?? "";
  expect(withoutCommits(shown)).toBe(withoutCommits(summary));
});

test("the log that the page shows is what the action prints", async () => {
  const { log } = await run({ "labs/team-b/team-b-shop.yaml": shop("4.20") });
  const [shown] = blocks(section(text, "## What it shows"));
  expect(shown?.text).toBe(log);
});

test("inputs and outputs are those of action.yml", () => {
  const named = (heading: string): (string | undefined)[] =>
    table(section(text, heading)).map(([name = ""]) => codes(name)[0]);
  expect(named("## Inputs")).toEqual(Object.keys(metadata.inputs));
  expect(named("## Outputs")).toEqual(Object.keys(metadata.outputs));
  for (const [name = "", value = ""] of table(section(text, "## Inputs"))) {
    const told = codes(value)[0] ?? "";
    expect(metadata.inputs[codes(name)[0] ?? ""]?.default, name).toBe(told);
  }
});

test("the workflow that the page shows is the example's", () => {
  const workflow = String(example[".github/workflows/validate.yaml"]);
  const lines = (yaml: string): string[] =>
    yaml
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
  const [shown] = blocks(text);
  expect(lines(workflow)).toEqual(expect.arrayContaining(lines(shown?.text ?? "-")));
});
