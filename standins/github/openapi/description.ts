/** GitHub's own OpenAPI description of the operations that the stand-in has, and what does not follow it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import type { Extract, ExtractedOperation } from "../../../scripts/openapi-extract.ts";
import type { Description, MatchedOperation } from "../operations.ts";

/** Statuses that GitHub may answer to any request, with an error's body, though few operations list them. */
const GENERAL = new Set([400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504]);

const ROOT = "github";

type Schema = Readonly<Record<string, unknown>>;

interface Loaded {
  readonly extract: Extract;
  readonly ajv: Ajv;
  readonly compiled: Map<string, ValidateFunction>;
}

let loaded: Loaded | null = null;

/** Read and compiled once for a test process: schemas are compiled when first met. */
function load(): Loaded {
  if (loaded !== null) return loaded;
  const text = readFileSync(join(import.meta.dirname, "github-openapi.json"), "utf8");
  // What is either of two bodies often is both: the description's `oneOf` means that one fits.
  const rooted = text.replaceAll('"#/schemas/', `"${ROOT}#/schemas/`).replaceAll('"oneOf":', '"anyOf":');
  const extract = JSON.parse(rooted) as Extract;
  allowMissingHeads(extract);
  const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, validateSchema: false, logger: false });
  ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
  ajv.addFormat("uri", (value) => URL.canParse(value));
  ajv.addSchema({ $id: ROOT, schemas: extract.schemas } as object);
  loaded = { extract, ajv, compiled: new Map() };
  return loaded;
}

/** A fork that is gone leaves nulls: https://github.com/github/rest-api-description/issues/5562 and 1811. */
function allowMissingHeads({ schemas }: Extract): void {
  for (const name of ["pull-request", "pull-request-simple"]) {
    const { head } = Object(schemas[name]?.["properties"]) as Record<string, { properties: Record<string, Schema> }>;
    if (head === undefined) throw new Error(`${name} has no head`);
    for (const key of ["label", "user", "repo"]) {
      head.properties[key] = { anyOf: [head.properties[key] ?? {}, { type: "null" }] };
    }
  }
}

/** What a request has that the description does not allow. */
function requestProblems(
  operation: MatchedOperation,
  query: Readonly<Record<string, string>>,
  body: unknown,
): readonly string[] {
  const description = operationOf(operation.name);
  const parameters = description.parameters.flatMap((parameter) => {
    const text = (parameter.in === "path" ? operation.path : query)[parameter.name];
    const where = `${parameter.in} parameter ${parameter.name}`;
    if (text === undefined) return parameter.required ? [`${where} is missing`] : [];
    return problems(`${operation.name} ${where}`, parameter.schema, fromText(text, parameter.schema), where);
  });
  const known = new Set(description.parameters.filter((one) => one.in === "query").map((one) => one.name));
  const unknown = Object.keys(query).filter((name) => !known.has(name));
  return [
    ...parameters,
    ...unknown.map((name) => `query parameter ${name} is not described`),
    ...bodyProblems(operation.name, description, body),
  ];
}

function bodyProblems(name: string, description: ExtractedOperation, body: unknown): readonly string[] {
  if (description.body === null) return body === undefined ? [] : ["a body is sent where none is described"];
  if (body === undefined) return description.body.required ? ["the body is missing"] : [];
  const { schema } = description.body;
  const properties = propertiesOf(schema);
  const unknown = Object.keys(Object(body)).filter((key) => properties.size > 0 && !properties.has(key));
  return [
    ...problems(`${name} body`, schema, body, "body"),
    ...unknown.map((key) => `body property ${key} is not described`),
  ];
}

/** What an answer has that the description does not allow. */
export function answerProblems(name: string, status: number, body: unknown): readonly string[] {
  const { responses } = operationOf(name);
  if (status === 304) return body === undefined ? [] : ["304 has no body"];
  const schema = responses[status];
  if (schema === undefined && !GENERAL.has(status)) return [`status ${status} is not described`];
  // Errors come with a body also where the description gives none.
  if (schema === undefined || (schema === null && status >= 400)) {
    return problems("any error", { $ref: `${ROOT}#/schemas/basic-error` }, body, `body of ${status}`);
  }
  if (schema === null) return body === undefined ? [] : [`${status} has no body`];
  const where = `body of ${status}`;
  // Errors have a `status` that the description leaves out in places.
  const more = status < 400 ? undescribed(schema, body, where) : [];
  return [...problems(`${name} ${status}`, schema, body, where), ...more];
}

/** What a webhook's body has that its description does not allow; `name` as "webhook-push". */
function webhookProblems(name: string, body: unknown): readonly string[] {
  const schema = load().extract.webhooks[name];
  return schema === undefined ? [`${name} is not described`] : problems(name, schema, body, "payload");
}

function operationOf(name: string): ExtractedOperation {
  const operation = load().extract.operations[name];
  if (operation === undefined) throw new Error(`No operation ${name}`);
  return operation;
}

function problems(key: string, schema: object, value: unknown, where: string): readonly string[] {
  const { ajv, compiled } = load();
  const validate = compiled.get(key) ?? ajv.compile(schema);
  compiled.set(key, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${where}${instancePath} ${message} ${JSON.stringify(params)}`;
  });
}

/** Query and path parameters travel as text. */
function fromText(text: string, schema: Schema): unknown {
  const type = schema["type"];
  if ((type === "integer" || type === "number") && /^-?\d+$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** Properties of an object, or of the objects in a list, that no branch of its schema knows. */
function undescribed(schema: Schema, value: unknown, where: string): readonly string[] {
  const { items, ...whole } = resolved(schema);
  if (Array.isArray(value)) {
    return items === undefined
      ? []
      : value.slice(0, 1).flatMap((one) => undescribed(items as Schema, one, `${where}/0`));
  }
  const known = propertiesOf(whole);
  if (known.size === 0) return [];
  const names = Object.keys(Object(value)).filter((name) => !known.has(name));
  return names.map((name) => `${where} has ${name}, which is not described`);
}

/** The names that an object may have by any branch of its schema; empty when it is open. */
function propertiesOf(schema: Schema): ReadonlySet<string> {
  const { properties, additionalProperties, ...rest } = resolved(schema);
  if (typeof additionalProperties === "object" || additionalProperties === true) return new Set();
  const branches = ["anyOf", "allOf"].flatMap((keyword) => (rest[keyword] ?? []) as readonly Schema[]);
  return new Set([...Object.keys(Object(properties)), ...branches.flatMap((branch) => [...propertiesOf(branch)])]);
}

function resolved(schema: Schema): Schema {
  const name = /#\/schemas\/(.+)$/.exec(String(schema["$ref"] ?? ""))?.[1];
  return name === undefined ? schema : resolved(load().extract.schemas[name] ?? {});
}

/** For the stand-in to hold what passes through it against. */
export function githubDescription(): Description {
  return {
    operations: Object.keys(load().extract.operations),
    request: requestProblems,
    answer: answerProblems,
    webhook: webhookProblems,
  };
}
