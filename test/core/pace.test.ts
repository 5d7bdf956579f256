import fc from "fast-check";
import { expect, it } from "vitest";
import { pace } from "../../src/core/pace.ts";

it("never writes more often than a minute and an hour allow, and always gets on", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 200 }), (pauses) => {
      let now = 0;
      const taken: number[] = [];
      const limits = { perMinute: 3, perHour: 20 };
      const { take, wait } = pace(limits, () => now);
      for (const pause of pauses) {
        now += pause;
        if (take()) taken.push(now);
        else {
          now += wait();
          expect(wait()).toBe(0);
        }
      }
      for (const at of taken) {
        expect(taken.filter((each) => each > at - 60_000 && each <= at).length).toBeLessThanOrEqual(limits.perMinute);
        expect(taken.filter((each) => each > at - 3_600_000 && each <= at).length).toBeLessThanOrEqual(limits.perHour);
      }
    }),
  );
});
