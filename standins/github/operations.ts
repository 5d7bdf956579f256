/** Which operation of GitHub's API a request is. */

export interface MatchedOperation {
  /** "GET /repos/{owner}/{repo}". */
  readonly name: string;
  /** Decoded. */
  readonly path: Readonly<Record<string, string>>;
}

/** What GitHub says of its operations, for whoever wants what passes through held against it. */
export interface Description {
  /** "GET /repos/{owner}/{repo}", of all that it has. */
  readonly operations: readonly string[];
  /** What a request has that the description does not allow. */
  request(operation: MatchedOperation, query: Readonly<Record<string, string>>, body: unknown): readonly string[];
  /** What an answer to the operation has that the description does not allow. */
  answer(operation: string, status: number, body: unknown): readonly string[];
  /** The same of a webhook's body; `name` as "webhook-push". */
  webhook(name: string, body: unknown): readonly string[];
}

/** Answers a request's operation by its method and its path below the API's base; null when there is none. */
export type Matcher = (method: string, path: string) => MatchedOperation | null;

/** Finds among these operations. */
export function matcher(operations: readonly string[]): Matcher {
  const names = [...operations].sort((one, other) => literals(other) - literals(one));
  const patterns = names.map((name) => ({ name, method: name.split(" ")[0] ?? "", pattern: patternOf(name) }));
  return (method, path) => {
    for (const candidate of patterns) {
      const groups = candidate.method === method ? candidate.pattern.exec(path) : null;
      if (groups === null) continue;
      const entries = Object.entries(groups.groups ?? {});
      return {
        name: candidate.name,
        path: Object.fromEntries(entries.map(([key, value]) => [key, decodeURIComponent(value)])),
      };
    }
    return null;
  };
}

/** How many segments of a path are no parameter: the more, the earlier it is tried. */
function literals(name: string): number {
  return name.split("/").filter((segment) => !segment.startsWith("{")).length;
}

/** Refs, branches and file paths may hold slashes. */
function patternOf(name: string): RegExp {
  const path = name.slice(name.indexOf(" ") + 1);
  const source = path.replace(/\{(\w+)\}/g, (_, key: string) =>
    key === "path" ? `(?<${key}>.*)` : ["ref", "branch"].includes(key) ? `(?<${key}>.+)` : `(?<${key}>[^/]+)`,
  );
  return new RegExp(`^${source}$`);
}
