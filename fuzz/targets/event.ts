import { readEvent } from "../../src/action/event.ts";
import type { Json } from "../../src/core/types.ts";
import { must, type Target, textOf } from "../target.ts";

const SHA = "4f1c".repeat(10);
const COMMIT = /^[0-9a-f]{40}$/;

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** The event that started a workflow: commits of a pull request or of a queue, or no pull request at all. */
export const event: Target = {
  name: "event",
  seeds: [
    `{"action":"opened","pull_request":{"base":{"sha":"${SHA}"},"head":{"sha":"${SHA}"}}}`,
    `{"merge_group":{"base_sha":"${SHA}","head_sha":"${SHA}"}}`,
    '{"ref":"refs/heads/main","before":"0","after":"1"}',
    "[]",
  ],
  dictionary: [
    ...['"pull_request":', '"merge_group":', '"base":', '"head":', '"sha":', '"base_sha":', "{", "}", "[", "null"],
    ...[
      '"__proto__":',
      '"constructor":',
      `"${SHA}"`,
      SHA.slice(1),
      '"--upload-pack=x"',
      "\\u0000",
      "\\n",
      "1e999",
      ",",
    ],
  ],
  run(input) {
    const payload = parsed(textOf(input));
    if (payload === undefined) return;
    const read = readEvent(payload);
    if (read === null) return;
    for (const commit of [read.baseCommit, read.headCommit])
      must(commit === null || COMMIT.test(commit), "a commit is none");
    const text = JSON.stringify(payload);
    must(text.includes(read.baseCommit), "a commit comes from nowhere");
    must(/"(?:pull_request|merge_group)":\{/.test(text), "what is no pull request is one");
  },
};
