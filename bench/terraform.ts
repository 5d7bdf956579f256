import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { catalogFiles } from "./catalog.ts";
import { type Figure, median, type Report } from "./figures.ts";
import type { Cycle } from "./plan-world.ts";
import { sampleMs } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

/** `terraform_data` is built in, so nothing is downloaded: https://developer.hashicorp.com/terraform/language/resources/terraform-data */
const MAIN = `locals {
  files = fileset(path.module, "labs/**/*.yaml")
  labs  = { for file in local.files : trimsuffix(basename(file), ".yaml") => yamldecode(file("\${path.module}/\${file}")) }
}

resource "terraform_data" "lab" {
  for_each = local.labs
  input    = each.value
}
`;
const TIMES_SLOWER = 100;
const TIMEOUT_MS = 300_000;

/**
 * The same files planned by terraform, beside ours of this very run. Terraform reads and plans all files whenever it is
 * asked, so its one figure stands beside our plan of everything and beside our cycle after one change.
 */
export async function benchTerraform(
  workplace: Workplace,
  settings: Settings,
  report: Report,
  ours: { readonly cold: ReadonlyMap<number, readonly Cycle[]>; readonly warm: ReadonlyMap<number, readonly Cycle[]> },
): Promise<void> {
  const labs = settings.terraformFiles;
  if (labs === 0) return report.skip("terraform plan", "--terraform 0");
  const folder = await workplace.folder("terraform");
  const run = terraformIn(folder);
  if (!(await run(["version"]).catch(() => false))) return report.skip("terraform plan", "terraform is not on PATH");
  report.step(`plan: terraform over ${labs} files`);
  await writeAll(folder, { ...catalogFiles(labs), "main.tf": MAIN });
  await run(["init"]);
  const limits = { runs: Math.min(3, settings.runs), budgetMs: settings.budgetMs };

  const cold = await sampleMs(limits, () => run(["plan", "-input=false"]));
  report.figure({ name: `terraform plan, ${labs} files`, value: median(cold), unit: "ms", samples: cold.length });
  against(report, `cold plan of ${labs} files`, cold, ours.cold.get(labs), null);
  against(report, `cycle with one of ${labs} files changed`, cold, ours.warm.get(labs), { atLeast: TIMES_SLOWER });
}

function against(
  report: Report,
  what: string,
  theirs: readonly number[],
  ours: readonly Cycle[] | undefined,
  target: Figure["target"] | null,
): void {
  const name = `terraform plan against labkeeper's ${what}`;
  if (ours === undefined) {
    report.skip(name, "no catalog of that size here");
    return;
  }
  const value = median(theirs) / median(ours.map(({ ms }) => ms));
  report.figure({ name, value, unit: "times", samples: theirs.length, ...(target ? { target } : {}) });
}

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Runs terraform with a home of its own and without looking for updates; rejects when it fails. */
const terraformIn = (folder: string) => (args: readonly string[]) =>
  new Promise<boolean>((resolve, reject) => {
    const child = spawn("terraform", [...args, ...(args[0] === "version" ? [] : ["-no-color"])], {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: TIMEOUT_MS,
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(true) : reject(new Error(`terraform ${args[0]}: ${complaint.trim() || `exit ${code}`}`)),
    );
  });
