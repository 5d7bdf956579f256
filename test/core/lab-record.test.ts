import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryOf, readRecord, recordKey, recordPlace, recordText } from "../../src/core/lab-record.ts";
import { isStoreKey } from "../../src/core/store-key.ts";
import type { RememberedLab } from "../../src/core/types.ts";
import { labOf } from "./builders.ts";

const lab: RememberedLab = {
  ...labOf("one"),
  id: "0198c0de-0000-7000-8000-000000000001",
  intent: { infraID: "one-abcde", former: [{ infraID: "one-bcdfg" }] },
};
const JOB = "0198c0de-0000-7000-8000-00000000000a";
const key = recordKey(lab, { number: 1, job: JOB, token: 3 });

test("comes back as it was put, under a key that says whose it is", () => {
  expect(isStoreKey(key)).toBe(true);
  expect(key.startsWith(`${memoryOf(lab)}/`)).toBe(true);
  expect(recordPlace(key)).toEqual({ name: "one", labId: lab.id, number: 1 });
  const { id, name, team, path, commit, documentDigest, spec, policy, intent, createdAt } = lab;
  expect(readRecord(key, recordText(lab))).toEqual({
    lab: { id, name, team, path, commit, documentDigest, spec, policy, intent, createdAt },
  });
});

test("keys of a lab sort by number, then by the lease under which they were written", () => {
  const keys = [
    recordKey(lab, { number: 2, job: JOB, token: 9 }),
    recordKey(lab, { number: 2, job: JOB, token: 10 }),
    recordKey(lab, { number: 10, job: JOB, token: 1 }),
  ];
  expect([key, ...keys].sort()).toEqual([key, ...keys]);
});

describe("is refused", () => {
  test.each([
    ["not JSON", key, "{"],
    ["no object", key, "null"],
    ["something else", key, '{"kind":"Snapshot","version":1}'],
    ["of another version", key, recordText(lab).replace('"version": 1', '"version": 2')],
    [
      "of another lab than its key says",
      recordKey({ ...lab, name: "two" }, { number: 1, job: JOB, token: 3 }),
      recordText(lab),
    ],
    ["under a key that nobody writes", "labs-by-name/one/x", recordText(lab)],
    ["without a usable time", key, recordText({ ...lab, createdAt: new Date(0) }).replace("1970-01-01", "never")],
  ])("%s", (_what, at, text) => {
    expect(readRecord(at, text)).toEqual({ problem: expect.any(String) });
  });

  test("changed or cut anywhere", () => {
    const text = recordText(lab);
    fc.assert(
      fc.property(fc.nat(text.length - 2), fc.constantFrom("", "x", "0", '"', "}"), (at, put) => {
        const spoilt = text.slice(0, at) + put + text.slice(at + 1);
        const read = readRecord(key, spoilt);
        // Spaces between its parts say nothing.
        if ("lab" in read) expect(read).toEqual(readRecord(key, text));
        expect(readRecord(key, text.slice(0, at))).toHaveProperty("problem");
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  "labs-by-name",
  "labs-by-name/one",
  `labs/one/${lab.id}/000001-${JOB}-0000000000000003.json`,
  `${key}/more`,
  `${key}~`,
])("%s is no place of a record", (other) => {
  expect(recordPlace(other)).toBeNull();
});
