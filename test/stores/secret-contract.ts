/** What every secret store must do, whatever is behind it. */

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { credentials, revealAll } from "../../src/core/credentials.ts";
import type { SecretStore } from "../../src/ports.ts";

export const CANARY = "hunter2-canary";
export const sealed = credentials({ password: CANARY, kubeconfig: "apiVersion: v1\n" });

export interface OpenSecrets extends AsyncDisposable {
  /** A store on the same place each time, as another process would have it. */
  open(): SecretStore;
}

/** Rejects with this code, and shows no secret anywhere in the error. */
export async function expectRefusal(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("canary");
}

export function secretContract(name: string, place: () => Promise<OpenSecrets>): void {
  describe(`${name} as a secret store`, () => {
    test("gives back what was put, to another process too", async () => {
      await using it = await place();
      await it.open().put("labs/a", sealed);
      const back = await it.open().get("labs/a");
      expect(back && revealAll(back)).toEqual(revealAll(sealed));
      expect(await it.open().get("labs/b")).toBeNull();
    });

    test("keeps every character", async () => {
      await using it = await place();
      const odd = { "": "", "a b": "äöü 𝄞 \u0000\n\"'\\", __proto: "{}", toString: "x".repeat(20_000) };
      await it.open().put("labs/a", credentials(odd));
      const back = await it.open().get("labs/a");
      expect(back && revealAll(back)).toEqual(odd);
    });

    test("rotates: the newest counts", async () => {
      await using it = await place();
      await it.open().put("labs/a", sealed);
      await it.open().put("labs/a", credentials({ password: "second" }));
      expect((await it.open().get("labs/a"))?.names).toEqual(["password"]);
      expect((await it.open().get("labs/a"))?.reveal("password")).toBe("second");
    });

    test("forgets what was removed, and takes it again", async () => {
      await using it = await place();
      const store = it.open();
      await store.remove("labs/a");
      for (let round = 0; round < 2; round++) {
        await store.put("labs/a", credentials({ password: `round ${round}` }));
        expect((await it.open().get("labs/a"))?.reveal("password")).toBe(`round ${round}`);
        await store.remove("labs/a");
        await it.open().remove("labs/a");
        expect(await it.open().get("labs/a")).toBeNull();
      }
    });

    test("keeps labs apart", async () => {
      await using it = await place();
      const store = it.open();
      await Promise.all(["a", "ab", "b"].map((lab) => store.put(`labs/${lab}`, credentials({ password: lab }))));
      await store.remove("labs/a");
      expect(await store.get("labs/a")).toBeNull();
      expect((await store.get("labs/ab"))?.reveal("password")).toBe("ab");
      expect((await store.get("labs/b"))?.reveal("password")).toBe("b");
    });

    test("lets writers of one secret at the same time all succeed, and keeps one of theirs", async () => {
      await using it = await place();
      const values = ["one", "two", "three", "four"];
      await Promise.all(values.map((password) => it.open().put("labs/a", credentials({ password }))));
      expect(values).toContain((await it.open().get("labs/a"))?.reveal("password"));
    });

    test.each(["../x", "", "/a", "a//b", ".tmp/a", "a*"])("refuses the key %j", async (key) => {
      await using it = await place();
      await expectRefusal(it.open().put(key, sealed), "LK6002");
      await expectRefusal(it.open().get(key), "LK6002");
      await expectRefusal(it.open().remove(key), "LK6002");
    });
  });
}
