import type { CatalogSource } from "../src/catalog-ports.ts";
import { openCatalog } from "../src/git/open-catalog.ts";
import { profileFolder } from "../src/local/profiles.ts";
import { packageFile } from "../src/package-root.ts";
import type { Reporter } from "../src/ports.ts";
import { type ReconcileDeps, reconcile } from "../src/reconcile.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { type BareRepository, createRepository } from "../standins/git/repository.ts";
import { catalogFiles, labFile, labPath } from "./catalog.ts";
import { type PhaseTimes, watchPhases } from "./phases.ts";
import { type BenchDatabase, seed, type Workplace } from "./workplace.ts";

const nothing = (): void => undefined;
export const silent: Reporter = {
  planned: nothing,
  jobStarted: nothing,
  step: nothing,
  progress: nothing,
  jobEnded: nothing,
};
export const clock = { now: () => new Date(), monotonic: () => performance.now() };

export interface Cycle {
  readonly ms: number;
  readonly phases: PhaseTimes;
  readonly changes: number;
}

/** A catalog of some size as a real git repository, and a real store beside it. */
export interface PlanWorld extends AsyncDisposable {
  readonly labs: number;
  readonly repository: BareRepository;
  readonly store: Store;
  /** Opened anew: knows nothing of earlier reads. */
  openCatalog(url?: string): Promise<CatalogSource>;
  cycle(catalog: CatalogSource, options: { readonly dryRun: boolean }): Promise<Cycle>;
  /** Every lab is ready and no job waits, as after a long quiet time. */
  settle(): Promise<void>;
  /** One file changes in one commit. */
  edit(lab: number, ttlHours: number): void;
}

/** What a worker would have made of all jobs. */
const SETTLED = [
  "update jobs set state = 'succeeded', finished_at = now() where state = 'queued'",
  `update labs set state = 'ready', intent = '{}', ready_at = coalesce(ready_at, now()),
     expires_at = coalesce(ready_at, now()) + make_interval(secs => (spec ->> 'ttlHours')::numeric * 3600) where state <> 'ready'`,
  "analyze",
];

/** `more` are files of the catalog besides its labs, path → text. */
export async function planWorld(
  workplace: Workplace,
  labs: number,
  more: Readonly<Record<string, string>> = {},
): Promise<PlanWorld> {
  const name = `catalog-${labs}${Object.keys(more).length > 0 ? "-own" : ""}`;
  const repository = createRepository(workplace.path(`${name}.git`));
  repository.commit({ ...catalogFiles(labs), ...more });
  const database: BenchDatabase = await workplace.database("labkeeper");
  const store = await openStore(database.connection);
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  let serial = 0;
  return {
    labs,
    repository,
    store,
    async openCatalog(url = repository.path) {
      serial += 1;
      return openCatalog({ url, stateDir: await workplace.folder(`${name}-state-${serial}`) });
    },
    async cycle(catalog, { dryRun }) {
      const deps: ReconcileDeps = {
        catalog,
        store,
        artifacts: { list: async () => [], get: async () => null },
        shippedProfiles,
        clock,
        reporter: silent,
        holder: "bench",
        requireReview: false,
      };
      const watch = watchPhases(deps);
      const start = performance.now();
      const { plan } = await reconcile(watch.deps, { dryRun });
      const ms = performance.now() - start;
      return { ms, phases: watch.finish(), changes: plan.summary.create + plan.summary.update + plan.summary.destroy };
    },
    settle: () => seed(database, SETTLED),
    edit: (lab, ttlHours) => {
      repository.commit({ [labPath(lab)]: labFile(lab, ttlHours) });
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await database.drop();
    },
  };
}
