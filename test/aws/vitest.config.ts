import { defineConfig } from "vitest/config";

/** Tests that talk to the AWS of `AWS_ENDPOINT_URL`; `npm run test:aws` starts one. */
export default defineConfig({
  test: {
    include: ["test/aws/**/*.test.ts"],
    globalSetup: ["test/postgres-server.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
    chaiConfig: { truncateThreshold: 400 },
  },
});
