/** Histories that once failed, and some that show each kind of fault: every promise holds after each of their steps. */

import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { regressionsIn } from "../../simulate/regression.ts";
import { play } from "../../simulate/run.ts";
import { createDatabase } from "../database.ts";

const REGRESSIONS = regressionsIn(fileURLToPath(new URL("regressions", import.meta.url)));

describe.each(REGRESSIONS)("$name: $why", (history) => {
  test("keeps every promise and converges", { timeout: 120_000 }, async () => {
    const { violation, steps } = await play(history, createDatabase);
    expect({ violation: violation?.message ?? null, after: history.steps[steps] ?? null }).toEqual({
      violation: null,
      after: null,
    });
  });
});
