/** Credentials that cannot be printed or serialised by accident (promise P9). */

/** What the port `Credentials` asks for; said again here because core imports nothing but core. */
interface Revealable {
  readonly names: readonly string[];
  reveal(name: string): string;
}

const SHOWN = "[secret]";

/** Node's own hook for `util.inspect` and `console.log`; a registered symbol, so core needs no import for it. */
const inspectHook = Symbol.for("nodejs.util.inspect.custom");

class Sealed implements Revealable {
  /** Private to the class: not seen by keys, spread, structuredClone, v8.serialize or inspect with showHidden. */
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
    Object.freeze(this);
  }

  get names(): readonly string[] {
    return [...this.#values.keys()].sort();
  }

  reveal(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw new RangeError(`there is no credential named ${JSON.stringify(name)}`);
    return value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.toPrimitive](): string {
    return SHOWN;
  }

  [inspectHook](): string {
    return SHOWN;
  }
}

/** Seals a copy of `values`. Only `reveal(name)` gives a value back; a name that is not there is a RangeError. */
export const credentials = (values: Readonly<Record<string, string>>): Revealable =>
  new Sealed(new Map(Object.entries(values)));

/** All values by name, for the two places that must hand them on: the secret store and a provisioner's stdin. */
export const revealAll = (sealed: Revealable): Record<string, string> =>
  Object.fromEntries(sealed.names.map((name) => [name, sealed.reveal(name)]));
