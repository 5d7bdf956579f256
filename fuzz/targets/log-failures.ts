import { FAILURES, failureScan } from "../../src/core/openshift/failures.ts";
import { must, type Target, textOf } from "../target.ts";

/** What a failed run's log means: one of the known classes, told by a line that the log really has. */
export const logFailures: Target = {
  name: "log-failures",
  seeds: [
    'level=error msg="Error: error creating EIP: AddressLimitExceeded: The maximum number of addresses has been reached."\n',
    'time="2026-01-02T03:04:05Z" level=fatal msg="failed to wait for bootstrapping to complete: timed out waiting for the condition"\n',
    "ERROR Cluster operator authentication Degraded is True with OAuthServerRouteEndpointAccessibleController\nFATAL failed to initialize the cluster\n",
    'level=error msg="Bootstrap failed to complete"\nlevel=info msg="Use the following commands"\nlevel=fatal msg=\n',
  ],
  dictionary: [
    ...[
      "level=error ",
      "level=fatal ",
      "level=",
      "time=",
      'msg="',
      "msg=",
      '"\n',
      "\\n",
      '\\"',
      "ERROR ",
      "FATAL[0001] ",
    ],
    ...FAILURES.flatMap(({ signs }) => signs),
  ],
  run(input) {
    const text = textOf(input);
    const scan = failureScan();
    for (const line of text.split("\n")) scan.push(line);
    for (const exitCode of [null, 0, 1, 3, 5, 6, 8]) {
      const { kind, line } = scan.result(exitCode);
      must(FAILURES.includes(kind), "a failure is of no known class");
      must(line === null || line.length <= 4_096, "a failure is told by an endless line");
      must(line === null || line !== "", "a failure is told by an empty line");
    }
  },
};
