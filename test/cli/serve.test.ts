import { describe, expect, it } from "vitest";
import { createLog, redactText } from "../../src/log.ts";
import { backoff, doorbell } from "../../src/serve.ts";

const never = new AbortController().signal;

describe("pauses after failures", () => {
  it("double from one second to five minutes, each spread", () => {
    expect([1, 2, 3, 4].map((failures) => backoff(failures, 0.5))).toEqual([1000, 2000, 4000, 8000]);
    expect(backoff(100, 0.5)).toBe(300_000);
    expect([backoff(1, 0), backoff(1, 1)]).toEqual([750, 1250]);
  });
});

describe("the doorbell", () => {
  it("answers a ring at once, also one from before", async () => {
    const bell = doorbell();
    bell.ring();
    await bell.answered(1_000_000, never);
    const waiting = bell.answered(1_000_000, never);
    bell.ring();
    await waiting;
  });

  it("answers by itself in time, and when all is over", async () => {
    const bell = doorbell();
    await bell.answered(1, never);
    await bell.answered(1_000_000, AbortSignal.abort());
  });

  it("hears many rings as one", async () => {
    const bell = doorbell();
    for (let i = 0; i < 100; i++) bell.ring();
    await bell.answered(1_000_000, never);
    let answered = false;
    const controller = new AbortController();
    const second = bell.answered(1_000_000, controller.signal).then(() => {
      answered = true;
    });
    await Promise.resolve();
    expect(answered).toBe(false);
    controller.abort();
    await second;
  });
});

describe("the log", () => {
  it("hides credentials in URLs", () => {
    expect(redactText("connect to postgres://me:hunter2@host/db failed")).toBe(
      "connect to postgres://[secret]@host/db failed",
    );
  });

  it("is silent when told so", async () => {
    const log = await createLog("silent");
    expect(() => log.error({ err: new Error("x") }, "nobody hears")).not.toThrow();
  });
});
