import { escapeTerminal } from "../../core/render-escape.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import type { LabDetail } from "../../ports.ts";
import type { Palette } from "../palette.ts";
import { palette, plain } from "../palette.ts";
import { table } from "../table.ts";
import { duration, relative, secondsBetween, stamp } from "../time.ts";
import { causeWords } from "./cause.ts";
import { labView } from "./lab-view.ts";
import { jobWords, stateWord } from "./lab-words.ts";

const shown = (value: Json): string => escapeTerminal(typeof value === "string" ? value : JSON.stringify(value));

const outputRows = (outputs: JsonObject): string[][] =>
  Object.entries(outputs).map(([name, value]) => [`  ${escapeTerminal(name)}`, shown(value)]);

/** A step without an end runs only when its job does, in the same attempt; else something broke it off. */
const openStepWords = (step: LabDetail["steps"][number], { job, lab }: LabDetail, now: Date): string => {
  if (job?.state === "running" && job.id === step.job && job.attempt === step.attempt)
    return `running for ${duration(secondsBetween(step.startedAt, now))}`;
  return lab.failure?.step === step.step && lab.failure.attempt === step.attempt ? "failed" : "interrupted";
};

const stepRows = (detail: LabDetail, now: Date): string[][] =>
  detail.steps.map((step) => [
    `  ${step.kind}`,
    step.step,
    stamp(step.startedAt),
    step.finishedAt === null
      ? openStepWords(step, detail, now)
      : duration(secondsBetween(step.startedAt, step.finishedAt)),
    step.attempt > 1 ? `attempt ${step.attempt}` : "",
  ]);

/** The independent looks that proved a destroy. */
const receiptLines = (receipt: JsonObject | null): string[] => {
  const looks = receipt?.["observations"];
  if (!Array.isArray(looks)) return [];
  return looks.flatMap((look) => {
    if (typeof look !== "object" || look === null || Array.isArray(look)) return [];
    const evidence = Array.isArray(look["evidence"]) ? look["evidence"] : [];
    return [
      `  ${shown(look["at"] ?? "")}  ${shown(look["verdict"] ?? "")}`,
      ...evidence.map((item) => `    ${shown(item)}`),
    ];
  });
};

const facts = (detail: LabDetail, now: Date, colours: Palette): string[][] => {
  const { lab } = detail;
  const { spec } = lab;
  const view = labView(detail, now);
  const optional: [string, string | null][] = [
    ["version", spec.version],
    ["region", spec.region],
    ["domain", spec.baseDomain],
  ];
  const flags = [...(spec.protect ? ["protected"] : []), ...(spec.suspend ? ["suspended"] : [])];
  const rows: (readonly [string, string])[] = [
    ["state", `${stateWord(lab.state, colours)} for ${duration(secondsBetween(lab.stateSince, now))}`],
    ["team", `${lab.team} (owner ${escapeTerminal(spec.owner)}, cost center ${escapeTerminal(spec.costCenter)})`],
    ["profile", `${spec.profile}, ${spec.workers} workers`],
    ...optional.flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, escapeTerminal(value)]])),
    ["file", `${escapeTerminal(lab.path)} at ${lab.commit.slice(0, 10)}`],
    ["created", `${stamp(lab.createdAt)} (${relative(lab.createdAt, now)})`],
    ...(lab.readyAt === null ? [] : [["ready", stamp(lab.readyAt)] as const]),
    ...(lab.expiresAt === null || lab.state === "destroyed"
      ? []
      : [["expires", `${stamp(lab.expiresAt)} (${relative(lab.expiresAt, now)})`] as const]),
    ...(flags.length === 0 ? [] : [["flags", flags.join(", ")] as const]),
    ...(lab.leaving === null
      ? []
      : [["leaving", `destroyed ${relative(lab.leaving.until, now)}: ${causeWords(lab.leaving.cause)}`] as const]),
    ...(lab.destroyCause === null ? [] : [["destroy", causeWords(lab.destroyCause)] as const]),
    ...(view.job === null ? [] : [["job", jobWords(view.job, now)] as const]),
  ];
  return rows.map(([name, value]) => [colours.dim(name), value]);
};

const failureLines = ({ lab }: LabDetail, now: Date, colours: Palette): string[] => {
  const { failure } = lab;
  if (failure === null) return [];
  const again =
    failure.retryAt === null ? "not tried again" : `tried again ${relative(new Date(failure.retryAt), now)}`;
  return [
    `${colours.red(failure.code)} ${plain(failure.message)}`,
    `  at step ${failure.step ?? "start"}, attempt ${failure.attempt}, ${again}`,
    `  ${colours.cyan("→")} ${plain(failure.remedy)}`,
  ];
};

/** Everything about one lab: facts, failure, holds, outputs, steps with their times, receipt. */
export const labDetailText = (detail: LabDetail, now: Date, colours: Palette): string => {
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [[colours.bold(title), ...lines].join("\n")];
  const holds = detail.holds.flatMap((hold) => [
    `  ${colours.yellow(hold.id)} ${hold.action} held by ${hold.guard}: ${escapeTerminal(hold.message)}`,
    `    ${colours.cyan("→")} ${escapeTerminal(hold.release)}`,
  ]);
  return [
    [colours.bold(detail.lab.name), table(facts(detail, now, colours))].join("\n"),
    ...section("FAILURE", failureLines(detail, now, colours)),
    ...section("HOLDS", holds),
    ...section(
      "OUTPUTS",
      detail.lab.state === "destroyed" ? [] : table(outputRows(detail.outputs)).split("\n").filter(Boolean),
    ),
    ...section("STEPS", table(stepRows(detail, now)).split("\n").filter(Boolean)),
    ...section("RECEIPT", receiptLines(detail.receipt)),
  ].join("\n\n");
};

const fence = (text: string): string => {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}text\n${text}\n${ticks}`;
};

/** The same in a Markdown code block, where nothing from outside can turn into markup. */
export const labDetailMarkdown = (detail: LabDetail, now: Date): string =>
  fence(labDetailText(detail, now, palette(false)));

/** What `status LAB --output json` prints. */
export const labDetailJson = (detail: LabDetail, now: Date): string =>
  JSON.stringify(
    {
      apiVersion: "labkeeper.dev/v1",
      kind: "LabStatus",
      at: now.toISOString(),
      ...labView(detail, now),
      id: detail.lab.id,
      spec: detail.lab.spec,
      path: detail.lab.path,
      commit: detail.lab.commit,
      createdAt: detail.lab.createdAt,
      readyAt: detail.lab.readyAt,
      destroyCause: detail.lab.destroyCause,
      typicalSeconds: detail.typicalSeconds,
      outputs: detail.outputs,
      steps: detail.steps,
      holds: detail.holds,
      receipt: detail.receipt,
    },
    null,
    2,
  );
