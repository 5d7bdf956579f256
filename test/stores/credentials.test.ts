import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { credentials, revealAll } from "../../src/core/credentials.ts";

const CANARY = "hunter2-canary";
const sealed = credentials({ password: CANARY, kubeconfig: `token: ${CANARY}` });

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
