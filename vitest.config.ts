import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need an AWS to talk to: `npm run test:aws`.
    exclude: [...configDefaults.exclude, "test/aws/**"],
    globalSetup: ["test/postgres-server.ts"],
    // Real processes and databases: forks keep a crash or a changed environment inside one file.
    pool: "forks",
    // One more than the cores of a small machine: most tests wait for processes and disks.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Conditions are waited for as long as a loaded machine needs; a test that fails takes longer, none passes later.
    expect: { poll: { timeout: 10_000 } },
    // A promise that nobody awaited is a defect even when every assertion held.
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
    chaiConfig: { truncateThreshold: 400 },
  },
});
