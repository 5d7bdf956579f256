import { describe, expect, test } from "vitest";
import { installerContract } from "./installer-contract.ts";
import { run, standIn } from "./run-binary.ts";

installerContract("the stand-in", standIn("openshift-install"));

// A real binary needs no cloud for this, but minutes and about a gigabyte of room for its temporary files.
const real = process.env["OPENSHIFT_INSTALL_REAL"];
if (real !== undefined && real !== "") installerContract(`the real ${real}`, real, 10);

describe("the stand-in", () => {
  test("says that it is simulated", async () => {
    const { stdout } = await run(standIn("openshift-install"), ["version"], {});
    expect(stdout).toContain("simulated");
  });
});
