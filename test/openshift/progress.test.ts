import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLogLine } from "../../src/core/openshift/log-line.ts";
import { progressOf, progressTracker } from "../../src/core/openshift/progress.ts";

/** As openshift-install 4.1x prints it to stderr. */
const INSTALL = [
  'level=info msg="Consuming Install Config from target directory"',
  'level=info msg="Credentials loaded from the AWS config using \\"SharedConfigCredentials\\" provider"',
  'level=info msg="Creating infrastructure resources..."',
  'level=info msg="Started local control plane with envtest"',
  'level=info msg="Network infrastructure is ready"',
  'level=info msg="Control-plane machines are ready"',
  'level=info msg="Waiting up to 20m0s (until 3:04PM UTC) for the Kubernetes API at https://api.lab.example.com:6443..."',
  'level=info msg="API v1.33.5 up"',
  'level=info msg="Waiting up to 45m0s (until 3:40PM UTC) for bootstrapping to complete..."',
  'level=info msg="Destroying the bootstrap resources..."',
  'level=info msg="Waiting up to 40m0s (until 4:20PM UTC) for the cluster at https://api.lab.example.com:6443 to initialize..."',
  'level=debug msg="Still waiting for the cluster to initialize: Working towards 4.20.3: 612 of 904 done (67% complete)"',
  'level=debug msg="Still waiting for the cluster to initialize: Working towards 4.20.3: 12 of 904 done (1% complete)"',
  'level=debug msg="Still waiting for the cluster to initialize: Working towards 4.20.3: 890 of 904 done (98% complete)"',
  'level=info msg="Waiting up to 30m0s (until 4:40PM UTC) to ensure each cluster operator has finished progressing..."',
  'level=info msg="Checking to see if there is a route at openshift-console/console..."',
  'level=info msg="Install complete!"',
];

describe("progress", () => {
  test("of a good install rises to 100 and passes every stage", () => {
    const track = progressTracker();
    const seen = INSTALL.map(track).filter((each) => each !== null);
    const percents = seen.map(({ percent }) => percent);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual([
      "infrastructure",
      "bootstrap",
      "initialize",
      "complete",
    ]);
    expect(seen.map(({ phase }) => phase)).toContain("waiting for operators");
  });

  test("never falls, whatever order the lines come in", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...INSTALL)), (lines) => {
        const track = progressTracker();
        const percents = lines.flatMap((line) => track(line)?.percent ?? []);
        return percents.every((percent, index) => index === 0 || percent >= (percents[index - 1] ?? 0));
      }),
    );
  });

  test("is not told by errors that quote a phase", () => {
    expect(progressOf('level=error msg="Install complete! was not seen"')).toBeNull();
  });
});

describe("a line of the installer's log", () => {
  test.each([
    ['level=info msg="API v1.33 up"', "info", "API v1.33 up"],
    ['time="2026-01-01T00:00:00Z" level=warning msg="a \\"b\\" c"', "warning", 'a "b" c'],
    ["level=fatal msg=short", "fatal", "short"],
    ["INFO Waiting up to 20m0s", "info", "Waiting up to 20m0s"],
    ["FATAL[0003] failed to fetch", "fatal", "failed to fetch"],
    ["level=", "unknown", ""],
    ["panic: runtime error", "unknown", "panic: runtime error"],
    ["", "unknown", ""],
  ])("%j is read", (raw, level, message) => {
    expect(parseLogLine(raw)).toEqual({ level, message });
  });

  test("of a megabyte costs no more than its beginning", () => {
    const started = performance.now();
    for (let n = 0; n < 100; n++) progressOf(`level=info msg="${"Working towards ".repeat(65_536)}"`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
