import { InvalidArgumentError, Option } from "commander";
import type { CommandContext, Register } from "./context.ts";
import { examples, outputOption } from "./program.ts";
import { stamp } from "./time.ts";

interface Options {
  readonly since: number;
  readonly speed?: number;
  readonly faults: "none" | "some" | "many";
  readonly seed: string;
  readonly output: "text" | "json";
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
/** Ten years. */
const LONGEST = 3_650 * 86_400_000;

/** `36h`, `30d`, `8w` in milliseconds. */
const ago = (text: string): number => {
  const [, count = "", unit = ""] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (ms > 0 && ms <= LONGEST) return ms;
  throw new InvalidArgumentError("a time such as 36h, 30d or 8w is needed");
};

const speed = (text: string): number => {
  const value = Number(text);
  if (value > 0 && value <= 1e9) return value;
  throw new InvalidArgumentError("a number above 0 is needed");
};

const run = async (context: CommandContext, options: Options): Promise<void> => {
  const config = await context.config();
  const [{ withRehearsal }, { rehearse }, { rehearsalJson, rehearsalText }] = await Promise.all([
    import("../wire-rehearsal.ts"),
    import("../rehearse.ts"),
    import("./views/rehearsal.ts"),
  ]);
  const until = new Date();
  const since = new Date(until.getTime() - options.since);
  const interactive = context.noteColumns() !== null;
  const result = await withRehearsal(
    config,
    {
      since,
      seed: options.seed,
      faults: options.faults,
      speed: options.speed ?? null,
      onCommit: (at, number, of) => {
        if (interactive && number % 10 === 0) context.note(`${stamp(at)}: commit ${number} of ${of}`);
      },
    },
    (deps) => rehearse(deps, { since, until, signal: context.signal }),
  );
  context.out(options.output === "json" ? rehearsalJson(result) : rehearsalText(result, context.colours));
};

export const register: Register = (program, context) => {
  program
    .command("rehearse")
    .description("Replay what was merged into a catalog on simulated clouds, and say what labkeeper would have done.")
    .addOption(
      new Option("--since <time>", "how far back: 36h, 30d, 8w").argParser(ago).default(30 * 86_400_000, "30d"),
    )
    .option("--speed <x>", "simulated seconds in a real one (default: as fast as it goes)", speed)
    .addOption(
      new Option("--faults <how>", "what goes wrong in the clouds").choices(["none", "some", "many"]).default("none"),
    )
    .option("--seed <text>", "draws the faults and the paces; the same seed draws the same", "1")
    .addOption(outputOption("text", "json"))
    .addHelpText(
      "after",
      `${examples(
        "labkeeper rehearse --catalog https://github.com/example/catalog --since 30d",
        "labkeeper rehearse --catalog . --since 8w --faults some --output json",
      )}

Reads the catalog's history and changes nothing: database, clock and clouds are of its own and go when it ends.`,
    )
    .action(async (options: Options) => run(context, options));
};
