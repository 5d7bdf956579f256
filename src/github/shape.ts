/** Answers of GitHub as typed values. Nothing of an answer is used that was not looked at here first. */

/** Takes what it expects out of a value; `at` says where that value stands, for the message. @throws Mismatch */
export type Shape<T> = (value: unknown, at: string) => T;

/** An answer is not what GitHub documents. Names the place and what belongs there, never what stands there. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";

  constructor(at: string, expected: string) {
    super(`${at === "" ? "the answer" : at} is not ${expected}`);
  }
}

export const text: Shape<string> = (value, at) => {
  if (typeof value !== "string") throw new Mismatch(at, "text");
  return value;
};

export const flag: Shape<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw new Mismatch(at, "true or false");
  return value;
};

/** Ids and numbers: whole, and small enough to be exact. */
export const whole: Shape<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new Mismatch(at, "a whole number");
  return value;
};

/** ISO 8601. */
export const instant: Shape<Date> = (value, at) => {
  const date = new Date(typeof value === "string" ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Mismatch(at, "a time");
  return date;
};

/** A full commit or blob id; nothing else may reach a request that names one. */
export const objectId: Shape<string> = (value, at) => {
  if (typeof value !== "string" || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(value)) throw new Mismatch(at, "an object id");
  return value;
};

/** A field that GitHub leaves out is one that it says is null. */
export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value, at) =>
    value === null || value === undefined ? null : shape(value, at);

export const list =
  <T>(shape: Shape<T>): Shape<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) throw new Mismatch(at, "a list");
    return value.map((item: unknown, index) => shape(item, `${at}[${index}]`));
  };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object with at least these fields; others are dropped. */
export const fields =
  <S extends Readonly<Record<string, Shape<unknown>>>>(
    shapes: S,
  ): Shape<{ readonly [K in keyof S]: ReturnType<S[K]> }> =>
  (value, at) => {
    if (!isRecord(value)) throw new Mismatch(at, "an object");
    const taken = Object.entries(shapes).map(([name, shape]) => [name, shape(value[name], `${at}.${name}`)] as const);
    return Object.fromEntries(taken) as { readonly [K in keyof S]: ReturnType<S[K]> };
  };

/** Names with a word each, as permissions are. */
export const words: Shape<Readonly<Record<string, string>>> = (value, at) => {
  if (!isRecord(value)) throw new Mismatch(at, "an object");
  return Object.fromEntries(Object.entries(value).map(([name, word]) => [name, text(word, `${at}.${name}`)]));
};

/** For answers whose content does not matter. */
export const anything: Shape<null> = () => null;
