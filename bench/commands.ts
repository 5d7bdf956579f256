import { spawn } from "node:child_process";
import { cp, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../scripts/bundle.ts";
import { packageFile } from "../src/package-root.ts";
import { createRepository, git } from "../standins/git/repository.ts";
import { catalogFiles, labFile, labPath } from "./catalog.ts";
import { type Figure, median, type Report } from "./figures.ts";
import { readyLabs } from "./ready-labs.ts";
import { sampleMs } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const SHIPPED = ["package.json", "bin", "migrations", "profiles", "schemas"];

/** Whole commands of the built package, from the shell's point of view: process start to exit. */
export async function benchCommands(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  report.step("commands: building the package");
  const program = await builtPackage(workplace);
  const node = await commandMs(settings, ["-e", "0"], {});
  report.figure({ name: "node -e 0, for comparison", value: median(node), unit: "ms", samples: node.length });
  const measure = async (name: string, args: readonly string[], target: Figure["target"], env = {}): Promise<void> => {
    const found = await commandMs(settings, [program, ...args], env);
    const figure = { name, value: median(found), unit: "ms" as const, samples: found.length };
    report.figure(target ? { ...figure, target } : figure);
  };
  await measure("labkeeper --help", ["--help"], { atMost: 80 });
  for (const labs of settings.labs) {
    report.step(`commands: a checkout of ${labs} files`);
    const isLarge = labs === 10_000;
    const checkout = await checkoutOf(workplace, labs);
    await measure(`labkeeper validate, ${labs} files`, ["validate", checkout], isLarge ? { atMost: 2_000 } : undefined);
    await writeFile(join(checkout, labPath(7)), labFile(7, 48));
    await measure(
      `labkeeper validate --base main, one of ${labs} files changed`,
      ["validate", checkout, "--base", "main"],
      isLarge ? { atMost: 300 } : undefined,
    );
  }
  for (const labs of settings.labs) {
    const database = await workplace.database("labkeeper");
    await readyLabs(database, labs, 50);
    const env = { LABKEEPER_DATABASE_URL: database.url, LABKEEPER_STATE_DIR: workplace.path("status-state") };
    await measure(`labkeeper status, ${labs} labs`, ["status"], labs === 1_000 ? { atMost: 300 } : undefined, env);
    await database.drop();
  }
}

/** A package as npm would install it, in a folder of its own: a `dist/` here would be found by every other command. */
async function builtPackage(workplace: Workplace): Promise<string> {
  const folder = await workplace.folder("package");
  await bundle(join(folder, "dist"));
  for (const name of SHIPPED) await cp(packageFile(name), join(folder, name), { recursive: true });
  await symlink(packageFile("node_modules"), join(folder, "node_modules"), "dir");
  return join(folder, "bin", "labkeeper.mjs");
}

async function checkoutOf(workplace: Workplace, labs: number): Promise<string> {
  const repository = createRepository(workplace.path(`checkout-${labs}.git`));
  repository.commit(catalogFiles(labs));
  const folder = workplace.path(`checkout-${labs}`);
  git(workplace.path("."), ["clone", "--quiet", repository.path, folder]);
  return folder;
}

const commandMs = (settings: Settings, args: readonly string[], env: Readonly<Record<string, string>>) =>
  sampleMs({ runs: settings.runs * 2, budgetMs: settings.budgetMs }, () => run(args, env));

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 120_000,
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")}: ${complaint}`))));
  });
}
