import { escapeTerminal } from "../core/render-escape.ts";
import type { ClaimedJob, JobOutcome, Reporter } from "../ports.ts";
import type { Palette } from "./palette.ts";
import { shorten } from "./table.ts";
import { duration } from "./time.ts";

export interface ProgressOptions {
  /** Where lines go: stderr, so that stdout holds the result alone. */
  readonly write: (text: string) => void;
  readonly colours: Palette;
  /** Width of the terminal; null prints plain lines that never move. */
  readonly columns: () => number | null;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

/** Shows jobs as they run. Dispose it before printing anything else. */
export interface Progress extends Reporter, Disposable {}

interface Running {
  readonly job: ClaimedJob;
  readonly startedAt: number;
  step: string;
  phase: string;
  percent: number | null;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const REDRAW_MS = 120;
/** More lines than the screen has could not be erased again. */
const MOST_LINES = 16;
const WORDS = { provision: "create", update: "update", destroy: "destroy" } as const;

const outcomeWords = (outcome: JobOutcome, colours: Palette): string => {
  switch (outcome.kind) {
    case "provisioned":
      return `${colours.green("✔")} ready`;
    case "updated":
      return `${colours.green("✔")} updated`;
    case "destroyed":
      return `${colours.green("✔")} destroyed, seen absent ${outcome.receipt.observations.length} times`;
    case "retry":
      return `${colours.yellow("↻")} ${outcome.failure.code} ${escapeTerminal(outcome.failure.message)}; tried again at ${outcome.retryAt.toISOString()}`;
    case "dead":
      return `${colours.red("✘")} ${outcome.failure.code} ${escapeTerminal(outcome.failure.message)}\n  ${colours.cyan("→")} ${escapeTerminal(outcome.failure.remedy)}`;
    case "released":
      return "‖ handed back at a durable point";
    case "cancelled":
      return "‖ cancelled";
  }
};

const line = ({ job, step, phase, percent, startedAt }: Running, now: number): string => {
  const parts = [step, phase !== step ? escapeTerminal(phase) : "", percent === null ? "" : `${Math.round(percent)}%`];
  const words = parts.filter((part) => part !== "").join(" · ");
  return `${job.lab.name}  ${WORDS[job.kind]}  ${words}  ${duration((now - startedAt) / 1000)}`;
};

/**
 * Progress of running jobs. On a terminal one line a running lab, redrawn in place; elsewhere one line for each
 * thing that happened.
 */
export const createProgress = ({
  write,
  colours,
  columns,
  clock = () => performance.now(),
}: ProgressOptions): Progress => {
  const running = new Map<string, Running>();
  const live = columns() !== null;
  let drawn = 0;
  let frame = 0;
  let timer: NodeJS.Timeout | null = null;

  /** Moves up over what was drawn and clears to the end of the screen. */
  const erase = (): string => {
    const text = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`;
    drawn = 0;
    return text;
  };
  const draw = (): void => {
    const width = (columns() ?? 80) - 3;
    const spinner = FRAMES[frame++ % FRAMES.length] ?? "";
    const entries = [...running.values()];
    const rows = entries
      .slice(0, MOST_LINES)
      .map((entry) => `${colours.cyan(spinner)} ${shorten(line(entry, clock()), width)}\n`);
    if (entries.length > MOST_LINES) rows.push(colours.dim(`  and ${entries.length - MOST_LINES} more\n`));
    const text = erase() + rows.join("");
    drawn = rows.length;
    if (text !== "") write(text);
  };
  const say = (text: string): void => {
    write(`${erase()}${text}\n`);
    if (live) draw();
  };
  const change = (job: ClaimedJob, update: (entry: Running) => void): void => {
    const entry = running.get(job.id);
    if (entry === undefined) return;
    const before = line(entry, entry.startedAt);
    update(entry);
    if (!live && line(entry, entry.startedAt) !== before) {
      const parts = [entry.step, entry.phase === entry.step ? "" : escapeTerminal(entry.phase)].filter(
        (part) => part !== "",
      );
      say(`${job.lab.name}: ${parts.join(", ")}${entry.percent === null ? "" : ` ${Math.round(entry.percent)}%`}`);
    }
  };

  if (live) {
    timer = setInterval(draw, REDRAW_MS);
    timer.unref();
  }
  return {
    planned: () => undefined,
    jobStarted: (job) => {
      running.set(job.id, { job, startedAt: clock(), step: "starting", phase: "", percent: null });
      const again = job.attempt > 1 ? ` (attempt ${job.attempt})` : "";
      if (!live) say(`${job.lab.name}: ${WORDS[job.kind]} started${again}`);
    },
    step: (job, step) =>
      change(job, (entry) => {
        entry.step = step;
        entry.phase = "";
        entry.percent = null;
      }),
    progress: (job, phase, percent) =>
      change(job, (entry) => {
        entry.phase = phase;
        entry.percent = percent;
      }),
    jobEnded: (job, outcome) => {
      const startedAt = running.get(job.id)?.startedAt ?? clock();
      running.delete(job.id);
      const [first = "", ...rest] = outcomeWords(outcome, colours).split("\n");
      say(
        [`${job.lab.name}: ${first} ${colours.dim(`after ${duration((clock() - startedAt) / 1000)}`)}`, ...rest].join(
          "\n",
        ),
      );
    },
    [Symbol.dispose]: () => {
      if (timer !== null) clearInterval(timer);
      timer = null;
      const text = erase();
      if (text !== "") write(text);
    },
  };
};
