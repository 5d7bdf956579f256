import type { ErrorObject } from "ajv";
import { didYouMean } from "./did-you-mean.ts";
import type { DocumentCode } from "./document-codes.ts";
import { byPlace, plain, problemAt, quoted } from "./problem.ts";
import type { Problem } from "./types.ts";
import type { YamlDocument } from "./yaml.ts";
import { MAX_PROBLEMS } from "./yaml-build.ts";
import { pointerKeys, pointerStep } from "./yaml-place.ts";

/** What a schema's errors are reported as. */
export interface Explanation {
  readonly code: DocumentCode;
  readonly remedy?: string;
  /** Dotted names of every field that the schema knows, to say where a misplaced one belongs. */
  readonly fields: ReadonlySet<string>;
}

interface Cause {
  /** One cause has one subject; further errors about it only repeat it. */
  readonly subject: string;
  readonly problem: Problem;
  /** The missing field that a misspelt one was meant to be: naming it once is enough. */
  readonly meant: string | null;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "a mapping",
  array: "a list",
  null: "empty",
};

const typeOf = (value: unknown): string => {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? `${value}` : "a number";
};

/** `/spec/teams/0/name` → `spec.teams[0].name` */
export const dotted = (pointer: string): string =>
  plain(
    pointerKeys(pointer)
      .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
      .join("")
      .replace(/^\./, ""),
    100,
  ) || "the document";

const listed = (values: readonly unknown[]): string => {
  const shown = values.slice(0, 20).map((value) => quoted(value));
  return values.length > 20 ? `${shown.join(", ")}, …` : shown.join(", ");
};

const wrongType = (name: string, wanted: string, value: unknown): string => {
  const hint =
    wanted === "string" && (typeof value === "number" || typeof value === "boolean")
      ? ": quote it"
      : wanted !== "string" && typeof value === "string" && /^\s*(?:-?\d+(?:\.\d+)?|true|false)\s*$/.test(value)
        ? ": remove the quotes"
        : "";
  const shown = typeof value === "string" || typeof value === "number" ? ` (${quoted(value)})` : "";
  return `${name} must be ${TYPE_WORDS[wanted] ?? wanted}, not ${typeOf(value)}${shown}${hint}`;
};

const valueMessage = (error: ErrorObject): string => {
  const name = dotted(error.instancePath);
  const { params, data, keyword } = error;
  const parent = error.parentSchema ?? {};
  switch (keyword) {
    case "type":
      return wrongType(name, String(params.type), data);
    case "enum": {
      const near = typeof data === "string" ? didYouMean(data, (params.allowedValues as unknown[]).map(String)) : null;
      const hint = near === null ? "" : `; did you mean ${quoted(near)}?`;
      return `${name} is ${quoted(data)} and must be one of ${listed(params.allowedValues)}${hint}`;
    }
    case "const":
      return `${name} is ${quoted(data)} and must be ${quoted(params.allowedValue)}`;
    case "pattern":
      return `${name} ${parent.patternErrorMessage ?? "has a character that is not allowed"}, and is ${quoted(data)}`;
    case "minimum":
      return `${name} is ${quoted(data)} and must be at least ${params.limit}`;
    case "maximum":
      return `${name} is ${quoted(data)} and must be at most ${params.limit}`;
    case "maxLength":
      return `${name} has more than ${params.limit} characters`;
    case "minItems":
    case "minProperties":
      return `${name} needs at least ${params.limit} ${params.limit === 1 ? "entry" : "entries"}`;
    case "maxItems":
    case "maxProperties":
      return `${name} has more than ${params.limit} entries`;
    case "uniqueItems":
      return `${name} has the same entry twice, at ${params.j + 1} and ${params.i + 1}`;
    case "not":
      return `${name} cannot be used here: ${parent.description ?? "it has no meaning"}`;
    default:
      return `${name} ${error.message ?? "is not valid"}`;
  }
};

const unknownField = (error: ErrorObject, fields: ReadonlySet<string>): { message: string; meant: string | null } => {
  const key = String(error.params.additionalProperty);
  const where = error.instancePath === "" ? "at the top" : `in ${dotted(error.instancePath)}`;
  const siblings = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
  const message = `unknown field ${quoted(key)} ${where}`;
  const present = Object.keys((error.data as object | null | undefined) ?? {});
  const near = didYouMean(
    key,
    siblings.filter((sibling) => !present.includes(sibling)),
  );
  if (near !== null) return { message: `${message}; did you mean ${near}?`, meant: near };
  const home = [...fields].find((field) => field.endsWith(`.${key}`));
  if (home !== undefined)
    return { message: `${message}; it belongs to ${home.slice(0, -key.length - 1)}`, meant: null };
  return { message: `${message}; known are ${siblings.join(", ")}`, meant: null };
};

const cause = (document: YamlDocument, error: ErrorObject, as: Explanation): Cause => {
  const { instancePath: pointer, keyword, params } = error;
  const told = (position: { line: number; column: number }, message: string, code = as.code): Problem =>
    problemAt(document.path, position, code, message, code === as.code ? as.remedy : undefined);
  if (keyword === "additionalProperties") {
    const subject = pointer + pointerStep(params.additionalProperty);
    const { message, meant } = unknownField(error, as.fields);
    return {
      subject,
      problem: told(document.keyAt(subject), message),
      meant: meant === null ? null : pointer + pointerStep(meant),
    };
  }
  if (keyword === "required") {
    const subject = pointer + pointerStep(params.missingProperty);
    return { subject, problem: told(document.keyAt(pointer), `${dotted(subject)} is missing`), meant: null };
  }
  if (error.propertyName !== undefined) {
    const subject = pointer + pointerStep(error.propertyName);
    const why =
      keyword === "maxLength" ? `has more than ${params.limit} characters` : error.parentSchema?.patternErrorMessage;
    const message = `name ${quoted(error.propertyName)} in ${dotted(pointer)} ${why ?? "is not allowed"}`;
    return { subject: `${subject}#name`, problem: told(document.keyAt(subject), message), meant: null };
  }
  if (keyword === "type" && typeof error.data === "number" && /version/i.test(pointer)) {
    const message = `${dotted(pointer)}: ${plain(document.written(pointer), 40)} is read as the number ${error.data}; quote it`;
    return { subject: pointer, problem: told(document.at(pointer), message, "LK2008"), meant: null };
  }
  return { subject: pointer, problem: told(document.at(pointer), valueMessage(error)), meant: null };
};

/** A wrong type says more than what follows from it. */
const weight = (error: ErrorObject): number => (error.keyword === "type" ? 0 : 1);

/** One problem for each thing to mend (the first hundred of them), in the order of the file. */
export const explainErrors = (
  document: YamlDocument,
  errors: readonly ErrorObject[] | null | undefined,
  as: Explanation,
): Problem[] => {
  const causes = [...(errors ?? [])]
    .filter((error) => error.keyword !== "propertyNames")
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, MAX_PROBLEMS)
    .map((error) => cause(document, error, as));
  const meant = new Set(causes.map((each) => each.meant));
  const problems = new Map<string, Problem>();
  for (const each of causes) {
    if (meant.has(each.subject) || problems.has(each.subject)) continue;
    problems.set(each.subject, each.problem);
  }
  return [...problems.values()].sort(byPlace);
};

/** Every field of a schema by its dotted name, lists left out. */
export const schemaFields = (schema: { readonly [key: string]: unknown }, prefix = ""): Set<string> => {
  const fields = new Set<string>();
  const properties = (schema.properties ?? {}) as Readonly<Record<string, { readonly [key: string]: unknown }>>;
  for (const [key, value] of Object.entries(properties)) {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    fields.add(name);
    for (const inner of schemaFields(value, name)) fields.add(inner);
  }
  return fields;
};
