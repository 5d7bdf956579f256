import { describe, expect, test } from "vitest";
import { followLog } from "../../src/cli/follow-log.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import type { ArtifactStore } from "../../src/ports.ts";
import { temporaryFolder } from "../provisioners/lab-order.ts";

const LAB = "0198c0de-0000-7000-8000-000000000001";
const keyOf = (job: string): string => `labs/${LAB}/${job}/log`;

/** What happens between two looks, and the job that works then. */
interface Moment {
  readonly job: string | null;
  happens?(artifacts: ArtifactStore): Promise<void>;
}

/** `most`: bytes that one request gives, as one that comes while a write is under way. */
async function followed(moments: readonly Moment[], most = Number.POSITIVE_INFINITY) {
  await using folder = await temporaryFolder();
  const store = folderArtifacts(folder.path);
  const asked: string[] = [];
  let bytes = 0;
  const artifacts: ArtifactStore = {
    ...store,
    get: async (key, from = 0) => {
      const found = (await store.get(key, from))?.subarray(0, most) ?? null;
      asked.push(`${key.split("/").at(-2)}@${from}`);
      bytes += found?.length ?? 0;
      return found;
    },
    list: async (prefix) => {
      asked.push("list");
      return await store.list(prefix);
    },
  };
  const said: string[] = [];
  const left = [...moments];
  await followLog({
    artifacts,
    look: async () => {
      const moment = left.shift() ?? { job: null };
      await moment.happens?.(store);
      return { labId: LAB, job: moment.job };
    },
    out: (text) => said.push(text),
    stop: new AbortController().signal,
    everyMs: 0,
  });
  return { said, asked, bytes };
}

const append = (job: string, text: string) => async (artifacts: ArtifactStore) => {
  await artifacts.append(keyOf(job), text);
};

describe("a log that is followed", () => {
  test("is read once: each byte, and ended logs not again", async () => {
    const long = "an old line\n".repeat(5_000);
    const { said, asked, bytes } = await followed([
      {
        job: "job2",
        happens: async (artifacts) => {
          await append("job1", long)(artifacts);
          await append("job2", "one\n")(artifacts);
        },
      },
      { job: "job2", happens: append("job2", "two\n") },
      { job: "job2" },
      { job: "job2", happens: append("job2", "three\n") },
      { job: null, happens: append("job2", "four\n") },
    ]);
    expect(said.join("")).toBe(`${long}one\ntwo\nthree\nfour\n`);
    expect(bytes).toBe(Buffer.byteLength(said.join("")));
    expect(asked).toEqual([
      "list",
      "job1@0",
      "job2@0",
      "job2@4",
      "job2@8",
      "job2@8",
      "list",
      `job1@${long.length}`,
      "job2@14",
    ]);
  });

  test("goes over to the next job, with the last lines of the one before", async () => {
    const { said } = await followed([
      { job: "job1", happens: append("job1", "provision\n") },
      {
        job: "job2",
        happens: async (artifacts) => {
          await append("job1", "the end of it\n")(artifacts);
          await append("job2", "destroy\n")(artifacts);
        },
      },
      { job: null },
    ]);
    expect(said.join("")).toBe("provision\nthe end of it\ndestroy\n");
  });

  test("has jobs that came and went between two looks", async () => {
    const { said } = await followed([{ job: "job1" }, { job: null, happens: append("job2", "quick\n") }]);
    expect(said).toEqual(["quick\n"]);
  });

  test("is printed in whole lines, and in the end whatever is there", async () => {
    const { said } = await followed([
      { job: "job1", happens: append("job1", "first\nhal") },
      { job: "job1", happens: append("job1", "f\n") },
      { job: null, happens: append("job1", "last\nunfinished") },
    ]);
    expect(said).toEqual(["first\n", "half\n", "last\nunfinished"]);
  });

  test("is printed in whole characters, also where one comes in two parts", async () => {
    const quiet = Array.from({ length: 20 }, (): Moment => ({ job: "job1" }));
    const { said } = await followed([{ job: "job1", happens: append("job1", "äöü\n€ 𝄞\n") }, ...quiet], 1);
    expect(said).toEqual(["äöü\n", "€ 𝄞\n"]);
  });

  test("that is not there yet is waited for", async () => {
    const { said } = await followed([{ job: "job1" }, { job: "job1" }, { job: null, happens: append("job1", "x\n") }]);
    expect(said).toEqual(["x\n"]);
  });
});
