import type { AnySchemaObject, ValidateFunction } from "ajv";
import { Ajv } from "ajv";
import catalogSchema from "../../schemas/catalog.schema.json" with { type: "json" };
import labSchema from "../../schemas/lab.schema.json" with { type: "json" };
import profileSchema from "../../schemas/profile.schema.json" with { type: "json" };

export { catalogSchema, labSchema, profileSchema };

/**
 * `verbose` puts the schema beside each error, where its message for people stands. The schemas are our own and tested
 * against the metaschema once, not at every start: compiling the metaschema takes longer than all of them.
 */
const options = {
  allErrors: true,
  verbose: true,
  strict: true,
  // A profile requires tags by names of its own, which the schema cannot list.
  strictRequired: false,
  ownProperties: true,
  meta: false,
  validateSchema: false,
  useDefaults: false,
  logger: false,
  // Compiling counts more than running: most runs see a handful of files.
  code: { optimize: false },
} as const;

/** An Ajv of its own for each schema, so that a schema that is not used any more can be forgotten with it. */
export const compileSchema = (schema: AnySchemaObject, defaults = false): ValidateFunction => {
  const ajv = new Ajv({ ...options, useDefaults: defaults });
  // What editors show for a pattern that does not match.
  ajv.addVocabulary(["patternErrorMessage"]);
  const { $schema: _metaschema, ...rest } = schema;
  return ajv.compile(rest);
};

const once = <Value>(make: () => Value): (() => Value) => {
  let made: { readonly value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

export const labValidator = once(() => compileSchema(labSchema));
/** Fills in the defaults that the schema declares; so does the profile's. */
export const catalogValidator = once(() => compileSchema(catalogSchema, true));
export const profileValidator = once(() => compileSchema(profileSchema, true));
