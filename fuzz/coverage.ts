import { Session } from "node:inspector";

/** One function's blocks, outermost first; a block inside another counts for itself. */
interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

export interface Coverage extends Disposable {
  /** Forgets what ran since the last question. */
  reset(): void;
  /** Whether anything of the sources ran for the first time since the last question. With `keep`, it counts from now on. */
  isNew(keep: boolean): boolean;
  /** Blocks known so far, and those of them that ran. */
  blocks(): { readonly covered: number; readonly known: number };
}

interface Script {
  /** By offset: 1 where something ran. */
  readonly ran: Uint8Array;
  readonly starts: Set<number>;
}

const SLACK = 1_024;

/** What ran by these ranges, by offset: a block inside another decides for itself. */
function painted(ranges: readonly Range[], size: number): Uint8Array {
  const now = new Uint8Array(size);
  for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return now;
}

function merge(script: Script, ranges: readonly Range[], now: Uint8Array): void {
  for (const { startOffset } of ranges) script.starts.add(startOffset);
  for (let offset = 0; offset < now.length; offset++) if (now[offset] === 1) script.ran[offset] = 1;
}

/**
 * Block coverage of scripts whose address passes `wanted`, from V8 itself: no instrumentation, so the code that is
 * measured is the code that ships. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/
 */
export function startCoverage(wanted: (url: string) => boolean): Coverage {
  const session = new Session();
  session.connect();
  const scripts = new Map<string, Script>();

  const post = (method: string, parameters: object = {}): unknown => {
    let answer: unknown;
    // Within one thread the inspector answers before it returns.
    session.post(method, parameters, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  post("Profiler.enable");
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

  const take = (): readonly { url: string; functions: readonly { ranges: readonly Range[] }[] }[] =>
    (post("Profiler.takePreciseCoverage") as { result: ReturnType<typeof take> }).result.filter(({ url }) =>
      wanted(url),
    );

  const scriptOf = (url: string, size: number): Script => {
    const known = scripts.get(url);
    if (known !== undefined && known.ran.length >= size) return known;
    const ran = new Uint8Array(size + SLACK);
    if (known !== undefined) ran.set(known.ran);
    const script = { ran, starts: known?.starts ?? new Set<number>() };
    scripts.set(url, script);
    return script;
  };

  return {
    reset: () => {
      take();
    },
    isNew: (keep) => {
      let found = false;
      for (const { url, functions } of take()) {
        const ranges = functions.flatMap((each) => each.ranges);
        const script = scriptOf(url, Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
        const now = painted(ranges, script.ran.length);
        found ||= now.some((ran, offset) => ran === 1 && script.ran[offset] !== 1);
        if (keep) merge(script, ranges, now);
      }
      return found;
    },
    blocks: () => {
      let covered = 0;
      let known = 0;
      for (const { ran, starts } of scripts.values()) {
        known += starts.size;
        for (const start of starts) covered += ran[start] ?? 0;
      }
      return { covered, known };
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}
