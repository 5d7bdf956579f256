/** A promise that did not hold, by its number. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly promise: string;
  constructor(promise: string, message: string, options: { cause?: unknown } = {}) {
    super(`${promise}: ${message}`, options);
    this.promise = promise;
  }
}

export function hold(promise: string, holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Violation(promise, message());
}
