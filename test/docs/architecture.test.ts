import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { RULES } from "../../src/core/guard.ts";
import { TRANSITIONS } from "../../src/core/states.ts";
import { destroy } from "../../src/execute/destroy.ts";
import { provision } from "../../src/execute/provision.ts";
import { update } from "../../src/execute/update.ts";
import { packageFile } from "../../src/package-root.ts";
import { blocks, codes, page, section, table } from "./pages.ts";

const text = page("docs/architecture.md");
const sql = readdirSync(packageFile("migrations"))
  .sort()
  .map((name) => page(`migrations/${name}`))
  .join("\n");

const first = (items: readonly string[]): string => items[0] ?? "";
const edges = (diagram: string): readonly string[] =>
  [...diagram.matchAll(/^\s*(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} → ${to}`);
const diagramOf = (heading: string): string =>
  blocks(section(text, heading)).find(({ info }) => info === "mermaid")?.text ?? "";

describe("states of a lab", () => {
  const rows = table(section(text, "### Of a lab"));

  test("are drawn as the code has them", () => {
    expect([...edges(diagramOf("### Of a lab"))].sort()).toEqual(
      TRANSITIONS.map(([from, to]) => `${from} → ${to}`).sort(),
    );
  });

  test("are listed as the code has them, with who may make each transition", () => {
    const listed = rows.flatMap(([state = "", , worker = "", operator = ""]) => [
      ...codes(worker).map((to) => [first(codes(state)), to, "worker"]),
      ...codes(operator).map((to) => [first(codes(state)), to, "operator"]),
    ]);
    expect(listed.sort()).toEqual([...TRANSITIONS].map((transition) => [...transition]).sort());
    const known = new Set(TRANSITIONS.map(([from]) => from).concat(TRANSITIONS.map(([, to]) => to)));
    expect(rows.map(([state = ""]) => first(codes(state))).sort()).toEqual([...known].sort());
  });

  test("begin and end as the database has it", () => {
    expect(diagramOf("### Of a lab")).toContain("[*] --> pending");
    expect(diagramOf("### Of a lab")).toContain("destroyed --> [*]");
    expect(sql).toContain("state text not null default 'pending'");
    expect(TRANSITIONS.filter(([from]) => from === "destroyed")).toEqual([["destroyed", "destroying", "worker"]]);
  });
});

test("states of a job are those of the database", () => {
  const jobs = /create table jobs \(([\s\S]*?)\n\)/.exec(sql)?.[1] ?? "";
  const allowed = /state text not null default '(\w+)' check \(state in \(([^)]+)\)/.exec(jobs);
  const drawn = [...diagramOf("### Of a job").matchAll(/\b[a-z]+\b(?=\s*(?:-->|:|$))/gm)].map(([state]) => state);
  const states = [...(allowed?.[2] ?? "").matchAll(/'(\w+)'/g)].map(([, state = ""]) => state);
  expect(states.length).toBeGreaterThan(0);
  const known = drawn.filter((state) => states.includes(state));
  expect([...new Set(known)].sort()).toEqual([...states].sort());
  expect(diagramOf("### Of a job")).toContain(`[*] --> ${allowed?.[1]}`);
});

test("tables are those of the migrations", () => {
  const listed = table(section(text, "## Tables")).map(([name = ""]) => first(codes(name)));
  const created = [...sql.matchAll(/^create table (\w+)/gm)].map(([, name]) => name);
  expect([...listed].sort()).toEqual([...created, "labkeeper_migrations"].sort());
});

test("guards are those of the code, in their order, with what releases them", () => {
  const rows = table(section(text, "## Story 1: reconcile"));
  expect(rows.map(([name = "", , release]) => [first(codes(name)), release?.startsWith("only the ")])).toEqual(
    RULES.map(({ name, approvable }) => [name, !approvable]),
  );
});

test("steps are those of the code", () => {
  const rows = table(section(text, "## Story 2: work"));
  const all = { provision, update, destroy };
  expect(rows.map(([job, steps = ""]) => [job, codes(steps)])).toEqual(
    Object.entries(all).map(([job, steps]) => [job, steps.map(({ name }) => name)]),
  );
  const durable = rows.map(([, , crash = ""]) => codes(crash));
  expect(durable).toEqual(
    Object.values(all).map((steps) => steps.filter((step) => step.durable).map(({ name }) => name)),
  );
});

test("names of the database and of files are there", () => {
  const named = [...new Set(codes(text))];
  const inDatabase = named.filter((name) => /^[a-z]+(?:_[a-z]+)+$/.test(name));
  expect(inDatabase.length).toBeGreaterThan(25);
  const known = `${sql}\nlabkeeper_migrations`;
  expect(inDatabase.filter((name) => !new RegExp(`\\b${name}\\b`).test(known))).toEqual([]);
  const files = named.filter((name) => /^(?:src|migrations|test)\/|^\.dep/.test(name));
  expect(files.filter((name) => !existsSync(packageFile(name)))).toEqual([]);
});

describe("promises", () => {
  const rows = table(section(text, "## What is promised, and what enforces it"));
  const testsOf = (cell: string): readonly string[] =>
    [...cell.matchAll(/\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);

  test("are twelve, each with what enforces it and a test that shows it", () => {
    const numbers = rows.map(([promise = ""]) => Number(/^\*\*P(\d+)\*\* /.exec(promise)?.[1]));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const [promise, enforced = "", shown = ""] of rows) {
      expect(codes(enforced).length + (/registers/.test(enforced) ? 1 : 0), promise).toBeGreaterThan(0);
      expect(testsOf(shown).length, promise).toBeGreaterThan(0);
      for (const path of testsOf(shown)) expect(existsSync(packageFile(path)), path).toBe(true);
    }
  });

  test("that are stories have a flow test named after them, and none of those is left out", () => {
    const stories = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12];
    for (const number of stories) {
      const own = `test/promises/p${String(number).padStart(2, "0")}-`;
      expect(testsOf(rows[number - 1]?.[2] ?? "").filter((path) => path.startsWith(own))).toHaveLength(1);
    }
    const written = readdirSync(packageFile("test/promises")).filter((name) => name.endsWith(".test.ts"));
    const linked = rows.flatMap(([, , shown = ""]) => testsOf(shown));
    expect(written.filter((name) => !linked.includes(`test/promises/${name}`))).toEqual([]);
  });
});

test("words are at least those of the types' own glossary", () => {
  const glossary = /^\/\*\*([\s\S]*?)\*\//.exec(page("src/core/types.ts"))?.[1] ?? "";
  const words = [...glossary.matchAll(/(?:^ \* - |; )([a-z]+):/gm)].map(([, word]) => word);
  const listed = table(section(text, "## Words")).map(([word]) => word);
  expect(words.length).toBeGreaterThan(10);
  expect(words.filter((word) => !listed.includes(word))).toEqual([]);
});

test("times of leases are the defaults", async () => {
  const { lease } = await loadConfig({ stateDir: "/nonexistent" }, {}, "/nonexistent");
  const prose = section(text, "## Leases, fencing, clocks").replaceAll("\n", " ");
  expect(prose).toContain(`renews every ${lease.heartbeatSeconds} s what lasts ${lease.seconds} s`);
  expect(prose).toContain(`has not renewed for ${lease.seconds - lease.heartbeatSeconds} s`);
});

describe("layout", () => {
  const layout = section(text, "## Layout and who may import whom");

  test("names every folder of src/", () => {
    const listed = table(layout).map(([path = ""]) => first(codes(path)));
    const folders = readdirSync(packageFile("src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect([...listed].sort()).toEqual(folders.map(({ name }) => `src/${name}/`).sort());
  });

  test("names every import rule", () => {
    const rules = readFileSync(packageFile(".dependency-cruiser.mjs"), "utf8");
    const existing = [...rules.matchAll(/^ {6}name: "([\w-]+)"/gm)].map(([, name = ""]) => name);
    const listed = codes(layout.slice(layout.indexOf("| rule |"))).filter(
      (name) => name !== "wire.ts" && name !== "serve",
    );
    const homes = (name: string): boolean => name.startsWith("home-of-");
    expect(listed.filter((name) => !homes(name)).sort()).toEqual(existing.filter((name) => !homes(name)).sort());
    expect(listed.filter(homes)).toEqual(["home-of-*"]);
    expect(rules).toContain("name: `home-of-");
  });
});
