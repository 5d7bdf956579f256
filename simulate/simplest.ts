import type { History } from "./history.ts";
import type { Play } from "./lanes.ts";
import type { Ran } from "./run.ts";
import { shrink } from "./shrink.ts";

/** What was reached of a history that failed: steps after the one that broke a promise had no part in it. */
function reached(history: History, { steps }: Ran): History {
  return steps + 1 >= history.steps.length ? history : { ...history, steps: history.steps.slice(0, steps + 1) };
}

/** How often a candidate is played, at the same time: what needs an interleaving does not come about each time. */
const TRIES = 2;

/** The simplest history found until `isTimeUp` in which the same promise fails, with what failed of it. */
export async function simplest(
  history: History,
  ran: Ran,
  play: Play,
  isTimeUp: () => boolean,
): Promise<{ readonly history: History; readonly ran: Ran }> {
  const failures = new Map<History, Ran>();
  const first = reached(history, ran);
  failures.set(first, ran);
  const fails = async (candidate: History): Promise<History | null> => {
    const tries = await Promise.all(Array.from({ length: TRIES }, () => play(candidate)));
    const again = tries.find(({ violation }) => violation?.promise === ran.violation?.promise);
    if (again === undefined) return null;
    const failed = reached(candidate, again);
    failures.set(failed, again);
    return failed;
  };
  const found = await shrink(first, fails, isTimeUp);
  return { history: found, ran: failures.get(found) ?? ran };
}
