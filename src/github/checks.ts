import { LabkeeperError } from "../errors.ts";
import type { Annotation, CheckDraft, CheckHost, HostIdentity } from "../github-ports.ts";
import type { AskOptions, GithubClient, Parameters } from "./client.ts";
import { fields, list, nullable, objectId, type Shape, text, whole } from "./shape.ts";

const RUN = fields({
  id: whole,
  name: text,
  head_sha: objectId,
  external_id: nullable(text),
  conclusion: nullable(text),
  output: fields({ title: nullable(text), summary: nullable(text), annotations_count: whole }),
});
type Run = ReturnType<typeof RUN>;

const RUNS: Shape<readonly Run[]> = (value, at) => fields({ check_runs: list(RUN) })(value, at).check_runs;

const LIST = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs";
const CREATE = "POST /repos/{owner}/{repo}/check-runs";
const ONE = "/repos/{owner}/{repo}/check-runs/{check_run_id}";

/** docs.github.com/en/rest/checks/runs: annotations of one request, and what the fields hold. */
const BATCH = 50;
const LONGEST_SUMMARY = 65_535;
const LONGEST_TITLE = 255;
const LONGEST_MESSAGE = 16_000;
const LONGEST_DESCRIPTION = 140;

/** Cuts at a whole character. */
const cut = (words: string, longest: number): string => {
  if (words.length <= longest) return words;
  const kept = words.slice(0, longest - 1);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
};

const annotationOf = ({ path, line, level, title, message }: Annotation): Parameters => ({
  path,
  start_line: line,
  end_line: line,
  annotation_level: level,
  title: cut(title, LONGEST_TITLE),
  message: cut(message, LONGEST_MESSAGE),
});

const outputOf = ({ title, summary, annotations }: CheckDraft, from: number): Parameters => ({
  title: cut(title, LONGEST_TITLE),
  summary: cut(summary, LONGEST_SUMMARY),
  annotations: annotations.slice(from, from + BATCH).map(annotationOf),
});

/** Says what the draft says, as far as its annotations go: they may be there in part. */
const says = ({ conclusion, output }: Run, draft: CheckDraft): boolean => {
  const { title, summary } = outputOf(draft, 0);
  return (
    conclusion === draft.conclusion &&
    output.title === title &&
    output.summary === summary &&
    output.annotations_count <= draft.annotations.length
  );
};

export const githubChecks = (
  client: GithubClient,
  self: (signal?: AbortSignal) => Promise<HostIdentity>,
): CheckHost => {
  const find = async (draft: CheckDraft, signal: AbortSignal | undefined): Promise<Run | null> => {
    const query = { ref: draft.commit, check_name: draft.name, filter: "all" };
    const found: Run[] = [];
    for await (const { items } of client.pages(LIST, query, RUNS, signal)) {
      found.push(...items.filter(({ name, external_id }) => name === draft.name && external_id === draft.externalId));
    }
    return found.sort((one, other) => other.id - one.id)[0] ?? null;
  };

  const known = async (id: number, draft: CheckDraft, signal: AbortSignal | undefined): Promise<Run | null> => {
    const { value } = await client.attempt(`GET ${ONE}`, { check_run_id: id }, RUN, { signal, accept: [404] });
    return value !== null && value.head_sha === draft.commit && value.name === draft.name ? value : null;
  };

  const patch = async (id: number, body: Parameters, options: AskOptions): Promise<Run> =>
    await client.ask(`PATCH ${ONE}`, { check_run_id: id, ...body }, RUN, options);

  /** Annotations add up with every request, and cannot be taken back: what is there is counted first. */
  const append = async (run: Run, draft: CheckDraft, signal: AbortSignal | undefined): Promise<number> => {
    for (let from = run.output.annotations_count; from < draft.annotations.length; from += BATCH) {
      await patch(run.id, { output: outputOf(draft, from) }, { signal, once: true });
    }
    return run.id;
  };

  const create = async (draft: CheckDraft, signal: AbortSignal | undefined): Promise<Run> => {
    const body = {
      name: draft.name,
      head_sha: draft.commit,
      external_id: draft.externalId,
      status: "completed",
      conclusion: draft.conclusion,
      output: outputOf(draft, 0),
    };
    try {
      return await client.ask(CREATE, body, RUN, { signal, once: true });
    } catch (error) {
      if (!(error instanceof LabkeeperError) || error.code !== "LK8001" || signal?.aborted === true) throw error;
      const made = await find(draft, signal).catch(() => null);
      if (made === null || !says(made, draft)) throw error;
      return made;
    }
  };

  return {
    putCheck: async (draft, id, signal) => {
      if (!(await self(signal)).app) {
        throw new LabkeeperError("LK8002", `check ${draft.name}: GitHub lets only an App make check runs`);
      }
      const recorded = id === null ? null : await known(id, draft, signal);
      const current = recorded ?? (await find(draft, signal));
      if (current !== null && says(current, draft)) return await append(current, draft, signal);
      if (current !== null && current.output.annotations_count === 0) {
        const body = { status: "completed", conclusion: draft.conclusion, output: outputOf(draft, 0) };
        return await append(await patch(current.id, body, { signal, once: true }), draft, signal);
      }
      // Annotations of an earlier plan would stay for ever: a new run with the same name takes the old one's place.
      const newest = recorded === null ? null : await find(draft, signal);
      if (newest !== null && says(newest, draft)) return await append(newest, draft, signal);
      return await append(await create(draft, signal), draft, signal);
    },
    putStatus: async ({ commit, context, state, description, url }, signal) => {
      const body = {
        sha: commit,
        context,
        state,
        description: cut(description, LONGEST_DESCRIPTION),
        ...(url === null ? {} : { target_url: url }),
      };
      await client.ask("POST /repos/{owner}/{repo}/statuses/{sha}", body, fields({ id: whole }), { signal });
    },
  };
};
