import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { extract } from "../../scripts/openapi-extract.ts";

const description = {
  paths: {
    "/things/{id}": {
      parameters: [{ $ref: "#/components/parameters/id" }],
      get: {
        operationId: "things/get",
        parameters: [{ name: "page", in: "query", schema: { type: "integer", default: 1 }, description: "prose" }],
        responses: {
          "200": { $ref: "#/components/responses/thing" },
          "304": { description: "Not modified" },
        },
      },
      patch: {
        operationId: "things/update",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/thing" } } },
        },
        responses: { "204": { description: "Done" } },
      },
    },
  },
  components: {
    parameters: { id: { name: "id", in: "path", required: true, schema: { type: "string" } } },
    responses: {
      thing: { content: { "application/json": { schema: { $ref: "#/components/schemas/thing" }, example: {} } } },
    },
    schemas: {
      "basic-error": { type: "object", properties: { message: { type: "string" } } },
      thing: {
        title: "Thing",
        type: "object",
        // Names of properties that are keywords elsewhere.
        properties: {
          title: { type: "string", nullable: true, example: "One" },
          description: { type: "string", enum: ["short", "long"], nullable: true },
          owner: { allOf: [{ $ref: "#/components/schemas/owner" }], nullable: true },
        },
        required: ["title"],
      },
      owner: { type: "object", properties: { id: { type: "integer" } }, required: ["id"] },
      unused: { type: "object" },
      "webhook-thing": { type: "object", properties: { thing: { $ref: "#/components/schemas/thing" } } },
    },
  },
};

test("takes operations and webhooks with every schema that they need, and no prose", () => {
  const taken = extract(description, ["GET /things/{id}", "PATCH /things/{id}"], ["webhook-thing"]);
  expect(Object.keys(taken.schemas)).toEqual(["basic-error", "owner", "thing"]);
  expect(taken.operations["GET /things/{id}"]).toEqual({
    id: "things/get",
    parameters: [
      { name: "id", in: "path", required: true, schema: { type: "string" } },
      { name: "page", in: "query", required: false, schema: { type: "integer" } },
    ],
    body: null,
    responses: { "200": { $ref: "#/schemas/thing" }, "304": null },
  });
  expect(taken.operations["PATCH /things/{id}"]?.body).toEqual({
    required: true,
    schema: { $ref: "#/schemas/thing" },
  });
  expect(taken.webhooks).toEqual({
    "webhook-thing": { type: "object", properties: { thing: { $ref: "#/schemas/thing" } } },
  });
});

test.each([
  [{ title: null, description: null, owner: null }, true],
  [{ title: "One", description: "short", owner: { id: 1 } }, true],
  [{ title: "One", description: "none" }, false],
  [{ title: "One", owner: {} }, false],
  [{}, false],
])("what may be null is described so for JSON Schema: %j is valid: %s", (thing, valid) => {
  const { schemas } = extract(description, ["PATCH /things/{id}"], []);
  const ajv = new Ajv({ strict: false });
  const validate = ajv.compile({ schemas, $ref: "#/schemas/thing" });
  expect(validate(thing)).toBe(valid);
});

test.each([
  ["an operation", ["GET /others"], []],
  ["a method", ["DELETE /things/{id}"], []],
  ["a webhook", [], ["webhook-other"]],
])("%s that is not described is not left out in silence", (_, operations, webhooks) => {
  expect(() => extract(description, operations, webhooks)).toThrow("The description has no");
});
