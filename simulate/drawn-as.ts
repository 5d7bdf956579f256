/** Arbitraries that draw with the odds of a simulation, and shrink as if every smaller value could have been drawn. */

import fc from "fast-check";

/** Draws as one arbitrary and shrinks as another, which knows every value of the first. */
export function drawnAs<T>(odds: fc.Arbitrary<T>, shapes: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return new DrawnAs(odds, shapes);
}

class DrawnAs<T> extends fc.Arbitrary<T> {
  readonly #odds: fc.Arbitrary<T>;
  readonly #shapes: fc.Arbitrary<T>;

  constructor(odds: fc.Arbitrary<T>, shapes: fc.Arbitrary<T>) {
    super();
    this.#odds = odds;
    this.#shapes = shapes;
  }

  generate(random: fc.Random, biasFactor: number | undefined): fc.Value<T> {
    // Without the context that only its own shrinking would understand.
    return new fc.Value(this.#odds.generate(random, biasFactor).value, undefined);
  }

  canShrinkWithoutContext(value: unknown): value is T {
    return this.#shapes.canShrinkWithoutContext(value);
  }

  shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.#shapes.shrink(value, context);
  }
}

/** One of it in so many of a hundred draws, otherwise none; shrinks to none. */
export const sometimes = <T>(percent: number, one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  drawnAs<T[]>(
    fc.oneof(
      { weight: percent, arbitrary: fc.array(one, { minLength: 1, maxLength: 1 }) },
      { weight: 100 - percent, arbitrary: fc.constant<T[]>([]) },
    ),
    fc.array(one, { maxLength: 1 }),
  );

/** One of the values, the first being the simplest. Repeating a value makes it likelier. */
export const oneOf = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Whole numbers that matter, which shrink towards `simplest` through the others. */
export const wholeNumberOf = (simplest: number, ...values: readonly number[]): fc.Arbitrary<number> => {
  const least = Math.min(simplest, ...values);
  const most = Math.max(simplest, ...values);
  const offset = (value: unknown): number => {
    if (typeof value !== "number") throw new TypeError("not a number");
    return value - simplest;
  };
  const shapes = fc.integer({ min: least - simplest, max: most - simplest }).map((by) => simplest + by, offset);
  return drawnAs(fc.constantFrom(...values), shapes);
};
