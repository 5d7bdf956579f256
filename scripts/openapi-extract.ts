/**
 * Some operations of an OpenAPI 3.0 description with the schemas they need, as JSON Schema: without prose, without
 * examples, with a null type for `nullable`.
 */

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

export interface ExtractedOperation {
  readonly id: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: "path" | "query";
    readonly required: boolean;
    readonly schema: JsonObject;
  }[];
  /** null: takes no body. */
  readonly body: { readonly required: boolean; readonly schema: JsonObject } | null;
  /** The body's schema by status; null: no body, or none that is described. */
  readonly responses: Readonly<Record<string, JsonObject | null>>;
}

export interface Extract {
  /** By method and path template, such as "GET /repos/{owner}/{repo}". */
  readonly operations: Readonly<Record<string, ExtractedOperation>>;
  /** The schema of each webhook's body, by its name in the description. */
  readonly webhooks: Readonly<Record<string, JsonObject>>;
  /** What `$ref`s as "#/schemas/NAME" lead to. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

/** Statuses that GitHub answers everywhere, with the body of any error, whether an operation lists them or not. */
const GENERAL_ERROR = "basic-error";

/** Throws for an operation or webhook that the description does not have. */
export function extract(description: JsonObject, operations: readonly string[], webhooks: readonly string[]): Extract {
  const components = object(description, "components");
  const schemas = object(components, "schemas");
  const taken: Record<string, ExtractedOperation> = {};
  for (const operation of operations) {
    const [method = "", path = ""] = operation.split(" ");
    const item = object(object(description, "paths"), path);
    taken[operation] = operationOf(description, object(item, method.toLowerCase()), list(item["parameters"]));
  }
  const bodies = Object.fromEntries(webhooks.map((name) => [name, toJsonSchema(object(schemas, name))]));
  const needed: Record<string, JsonObject> = {};
  const open = [GENERAL_ERROR, ...references([Object.values(taken), bodies] as unknown as Json)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name in needed) continue;
    const schema = toJsonSchema(object(schemas, name));
    needed[name] = schema;
    open.push(...references(schema));
  }
  const names = Object.keys(needed).sort();
  return {
    operations: taken,
    webhooks: bodies,
    schemas: Object.fromEntries(names.map((name) => [name, needed[name] ?? {}])),
  };
}

function operationOf(description: JsonObject, operation: JsonObject, shared: readonly Json[]): ExtractedOperation {
  const follow = (value: Json): JsonObject => resolved(description, value);
  const parameters = [...shared, ...list(operation["parameters"])].map(follow);
  const body = operation["requestBody"];
  const responses = Object.entries(object(operation, "responses")).map(([status, response]) => {
    const schema = jsonContent(follow(response));
    return [status, schema === null ? null : toJsonSchema(schema)] as const;
  });
  return {
    id: String(operation["operationId"]),
    parameters: parameters.map((parameter) => ({
      name: String(parameter["name"]),
      in: parameter["in"] === "path" ? "path" : "query",
      required: parameter["required"] === true,
      schema: toJsonSchema(object(parameter, "schema")),
    })),
    body: body === undefined ? null : requestBody(follow(body)),
    responses: Object.fromEntries(responses),
  };
}

function requestBody(body: JsonObject): ExtractedOperation["body"] {
  const schema = jsonContent(body);
  return schema === null ? null : { required: body["required"] === true, schema: toJsonSchema(schema) };
}

/** The schema of a body in JSON; `application/json` before GitHub's other media types. */
function jsonContent(value: JsonObject): JsonObject | null {
  const content = value["content"];
  if (!isObject(content)) return null;
  const media = content["application/json"] ?? Object.entries(content).find(([type]) => type.includes("json"))?.[1];
  return isObject(media) ? object(media, "schema") : null;
}

/** Keywords whose value is a schema, a list of schemas, or schemas by name; every other keyword is copied or dropped. */
const ONE = new Set(["items", "additionalProperties", "not"]);
const MANY = new Set(["allOf", "anyOf", "oneOf"]);
const COPIED = new Set([
  "type",
  "format",
  "enum",
  "required",
  "pattern",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "minProperties",
  "maxProperties",
]);

function toJsonSchema(schema: JsonObject): JsonObject {
  if (typeof schema["$ref"] === "string") {
    return { $ref: schema["$ref"].replace("#/components/schemas/", "#/schemas/") };
  }
  const made: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (COPIED.has(keyword)) made[keyword] = value;
    else if (MANY.has(keyword)) made[keyword] = list(value).map((one) => toJsonSchema(one as JsonObject));
    else if (ONE.has(keyword)) made[keyword] = isObject(value) ? toJsonSchema(value) : value;
    else if (keyword === "properties" && isObject(value)) {
      made[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, property]) => [name, toJsonSchema(property as JsonObject)]),
      );
    }
  }
  return schema["nullable"] === true ? withNull(made) : made;
}

function withNull(schema: JsonObject): JsonObject {
  const { type, enum: values } = schema;
  const composed = [...MANY].some((keyword) => keyword in schema);
  if (typeof type !== "string" || composed) return { anyOf: [schema, { type: "null" }] };
  const withEnum = Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {};
  return { ...schema, ...withEnum, type: [type, "null"] };
}

function references(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isObject(value)) return [];
  const own = typeof value["$ref"] === "string" ? [value["$ref"].replace("#/schemas/", "")] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}

function resolved(description: JsonObject, value: Json): JsonObject {
  if (!isObject(value)) throw new Error("The description has something else where an object belongs");
  const reference = value["$ref"];
  if (typeof reference !== "string") return value;
  const keys = reference.replace("#/", "").split("/");
  return keys.reduce((found: JsonObject, key) => object(found, key), description);
}

function object(parent: JsonObject, key: string): JsonObject {
  const value = parent[key];
  if (!isObject(value)) throw new Error(`The description has no ${key}`);
  return value;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
