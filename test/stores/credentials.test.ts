import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { credentials, revealAll } from "../../src/core/credentials.ts";

const CANARY = "hunter2-canary";
const sealed = credentials({ password: CANARY, kubeconfig: `token: ${CANARY}` });

/** What was written to a stream. */
const written = (use: (stream: Writable) => void): string => {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString("latin1");
      done();
    },
  });
  use(stream);
  return text;
};

const printed = (use: (console: Console) => void): string =>
  written((stream) => use(new Console({ stdout: stream, stderr: stream })));

describe("credentials", () => {
  test("reveal by name, explicitly", () => {
    expect(sealed.names).toEqual(["kubeconfig", "password"]);
    expect(sealed.reveal("password")).toBe(CANARY);
    expect(revealAll(sealed)).toEqual({ password: CANARY, kubeconfig: `token: ${CANARY}` });
  });

  test.each(["missing", "__proto__", "toString", ""])("have no value named %j", (name) => {
    expect(() => sealed.reveal(name)).toThrow(RangeError);
  });

  const accidents: Record<string, () => string> = {
    template: () => `${sealed}`,
    concatenation: () => `${sealed as unknown as string}!`,
    String: () => String(sealed),
    toString: () => sealed.toString(),
    "JSON.stringify": () => JSON.stringify({ sealed, list: [sealed] }),
    "util.inspect": () => inspect(sealed),
    "util.inspect of everything": () => inspect({ sealed }, { showHidden: true, depth: 10, getters: true }),
    "util.inspect without hooks": () => inspect(sealed, { customInspect: false, showHidden: true, getters: true }),
    "util.format": () => format("%s %o %j %O", sealed, sealed, sealed, sealed),
    "Object.entries": () => JSON.stringify([Object.keys(sealed), Object.entries(sealed), Object.values(sealed)]),
    spread: () => JSON.stringify({ ...sealed }),
    "Object.assign": () => JSON.stringify(Object.assign({}, sealed)),
    "property descriptors": () => JSON.stringify(Object.getOwnPropertyDescriptors(sealed)),
    structuredClone: () => JSON.stringify(structuredClone(sealed)),
    "v8.serialize": () => serialize(sealed).toString("latin1"),
    "console.log": () => printed((console) => console.log(sealed, { sealed }, [sealed], "%s %o %O %j %d %i", sealed)),
    "console.dir": () => printed((console) => console.dir(sealed, { showHidden: true, depth: 9 })),
    "console.table": () => printed((console) => console.table([sealed, { sealed }])),
    "console.trace": () => printed((console) => console.trace(sealed)),
    pino: () =>
      written((stream) => pino(stream).info({ sealed, deep: { sealed } }, "%s %o %j", sealed, sealed, sealed)),
    "pino as the object itself": () => written((stream) => pino(stream).info(sealed)),
    "pino's error": () => written((stream) => pino(stream).error(new Error("failed", { cause: sealed }), "failed")),
    "array join": () => [sealed, sealed].join(),
    "a property's name": () => Object.keys({ [sealed as unknown as string]: 1 }).join(),
    "a number": () => String(Number(sealed)),
    "URL and form": () => `${new URLSearchParams({ sealed: sealed as unknown as string })}`,
    "JSON.stringify with a replacer": () => JSON.stringify({ sealed }, (_key, value: unknown) => value, 2),
    "JSON.stringify of a Map": () => JSON.stringify([...new Map([["sealed", sealed]])]),
    "Reflect.ownKeys": () => JSON.stringify(Reflect.ownKeys(sealed).map((key) => String(Reflect.get(sealed, key)))),
    "its prototype's members": () =>
      inspect(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(sealed)), { showHidden: true, depth: 9 }),
    "a for-in loop": () => {
      const seen: string[] = [];
      for (const key in sealed) seen.push(key, String((sealed as unknown as Record<string, unknown>)[key]));
      return seen.join();
    },
    "an error's stack and causes": () => {
      const error = new Error("outer", { cause: new AggregateError([sealed, new Error(String(sealed))], "inner") });
      return `${error.stack} ${inspect(error, { depth: 9, showHidden: true })}`;
    },
    "an unknown name's error": () => {
      try {
        return sealed.reveal("none");
      } catch (error) {
        return inspect(error);
      }
    },
    "an error's message": () => inspect(new Error(`cannot use ${sealed}`, { cause: sealed })),
  };
  test.each(Object.entries(accidents))("do not leak through %s", (_name, print) => {
    expect(print()).not.toContain("canary");
  });

  test("print as [secret]", () => {
    expect([String(sealed), JSON.stringify(sealed), inspect(sealed)]).toEqual(["[secret]", '"[secret]"', "[secret]"]);
  });

  test("do not follow what they were made from, and cannot be changed", () => {
    const source = { password: "first" };
    const kept = credentials(source);
    source.password = "second";
    expect(kept.reveal("password")).toBe("first");
    expect(() => Object.assign(kept, { reveal: () => "mine" })).toThrow(TypeError);
  });

  test("give back whatever was put in", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (values) => {
        const back = credentials(values);
        expect(back.names.map((name) => [name, back.reveal(name)])).toEqual(
          Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)),
        );
      }),
    );
  });
});
