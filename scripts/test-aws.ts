/**
 * `npm run test:aws`: the tests under test/aws against a moto server, which is installed when that is possible and
 * stopped in the end. `npm run test:aws -- TEXT…` runs only the files whose path contains one of the texts;
 * `--optional` makes a machine on which moto cannot be had no failure.
 */

import { createVitest } from "vitest/node";
import { closingLine, exitCode, TallyReporter } from "./closing-line.ts";
import { ensureMoto, MotoUnavailable } from "./moto-packages.ts";
import { startMoto } from "./moto-server.ts";

const args = process.argv.slice(2);
const filters = args.filter((arg) => arg !== "--optional");
const reporter = new TallyReporter();
const { tally } = reporter;

try {
  await using moto = await startMoto(ensureMoto());
  // Nothing of this machine's own AWS set-up reaches the tests, and the tests reach nothing but moto.
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: moto.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "testing",
    AWS_SECRET_ACCESS_KEY: "testing",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  });
  const vitest = await createVitest({
    watch: false,
    config: "test/aws/vitest.config.ts",
    root: ".",
    reporters: ["default", reporter],
  });
  try {
    await vitest.start(filters);
  } finally {
    await vitest.close();
  }
  if (tally.failed > 0) console.error(`\nThe end of what moto printed:\n${moto.output().slice(-4000)}`);
} catch (error) {
  const isMissing = error instanceof MotoUnavailable;
  console.error(isMissing ? `The AWS tests cannot run: ${error.message}` : error);
  if (isMissing && args.includes("--optional")) tally.skipped += 1;
  else tally.failed += 1;
}

console.log(closingLine(tally));
process.exit(tally.skipped > 0 && tally.passed + tally.failed === 0 ? 0 : exitCode(tally));
