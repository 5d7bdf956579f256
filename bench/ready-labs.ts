import { type BenchDatabase, seed } from "./workplace.ts";

/** Labs that are ready, as if each had been provisioned; a job on one of them is an update. */
export const readyLabs = (database: BenchDatabase, labs: number, teams: number): Promise<void> =>
  seed(
    database,
    [
      `insert into policies (digest, name, spec) values ('bench', 'bench',
         '{"provisioner": "noop", "lifecycle": {"maxAttempts": 3, "provisionTimeoutMinutes": 10, "warnBeforeDestroyHours": 1}}')`,
      `insert into labs (id, name, team, platform, account_region, state, spec, policy_digest, path, commit,
         document_digest, intent, ready_at, expires_at)
       select gen_random_uuid(), 'lab-' || i, 'team-' || i % ${teams}, 'simulated', 'simulated/', 'ready',
         '{"profile": "bench", "provisioner": "noop", "platform": "simulated", "ttlHours": 24, "workers": 2, "tags": {}}',
         'bench', 'labs/team-' || i % ${teams} || '/lab-' || i || '.yaml', '${"a".repeat(40)}', 'sha256:bench', '{}',
         now(), now() + interval '1 day'
       from generate_series(1, $1::integer) i`,
      "analyze labs",
    ],
    [labs],
  );
