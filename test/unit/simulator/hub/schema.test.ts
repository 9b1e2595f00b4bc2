// What the hub's API server makes of a definition's schema: checks, pruning, defaults, CEL rules, and the bounds of metadata.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Verb } from "../../../../src/simulator/http/catalog.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";
import { causesOf, HubClient, type Part } from "../../../support/hub-client.ts";

const applied = new URL("../../../fixtures/api/applied.yaml", import.meta.url);

type Schema = Record<string, unknown>;
const specSchema: Schema = {
  type: "object",
  required: ["size"],
  properties: {
    size: { type: "integer", format: "int32", minimum: 1, maximum: 9, exclusiveMaximum: true },
    mode: { type: "string", enum: ["fast", "slow"], default: "slow" },
    name: { type: "string", maxLength: 5, pattern: "^[a-z]+$" },
    port: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    note: { type: "string", nullable: true },
    at: { type: "string", format: "date-time" },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    limits: { type: "object", default: {}, properties: { high: { type: "integer", default: 7 } } },
    tags: { type: "array", maxItems: 2, items: { type: "object", properties: { key: { type: "string" } } } },
    extra: { type: "object", additionalProperties: { type: "string" } },
  },
};

class Server {
  readonly client = new HubClient();

  constructor(spec: Schema = specSchema, rules: readonly object[] = []) {
    const openAPIV3Schema = {
      type: "object",
      properties: {
        spec: { ...spec, ...(rules.length === 0 ? {} : { "x-kubernetes-validations": rules }) },
        status: { type: "object", properties: { phase: { type: "string", enum: ["Up"] } } },
      },
    };
    const body = {
      metadata: { name: "widgets.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "widgets", kind: "Widget" },
        versions: [
          { name: "v1", served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema } },
        ],
      },
    };
    this.client.call("create", "customresourcedefinitions", { body });
  }

  /** What a write made, and what it warned of. */
  write(verb: Verb, resource: string, part: Part) {
    const answer = this.client.send(verb, resource, part);
    if (answer.type !== "body") throw new Error("not a body");
    return { object: JSON.parse(answer.text), warnings: answer.warnings ?? [] };
  }

  create(spec: unknown, query = "", metadata: object = {}) {
    const body = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w", ...metadata }, spec };
    return this.write("create", "widgets", { body, query });
  }

  patch(body: unknown, subresource = "") {
    return this.write("patch", "widgets", { body, name: "w", subresource });
  }
}

function refusal(write: () => unknown): ApiError {
  try {
    write();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("a schema", () => {
  it("accepts what fits and fills in defaults, also within defaults", () => {
    const spec = { size: 3, name: "abc", port: "http", note: null, at: "2026-01-01T00:00:00Z", extra: { a: "b" } };
    const { object, warnings } = new Server().create(spec);
    expect(object.spec).toEqual({ ...spec, mode: "slow", limits: { high: 7 } });
    expect(warnings).toEqual([]);
  });

  it("defaults what is null and may not be", () => {
    expect(new Server().create({ size: 3, mode: null, name: null }).object.spec).toEqual({
      size: 3,
      mode: "slow",
      limits: { high: 7 },
    });
  });

  it("names every wrong field with the reason and words of a real server", () => {
    const spec = {
      size: 9,
      mode: "medium",
      name: "toolong",
      port: true,
      at: "yesterday",
      tags: [{ key: 1 }, {}, {}],
      extra: { a: 1 },
    };
    const error = refusal(() => new Server().create(spec));
    expect([error.status, error.reason, error.details.kind]).toEqual([422, "Invalid", "Widget"]);
    expect(error.message).toMatch(/^Widget\.example\.com "w" is invalid: \[/);
    const found = (error.details.causes ?? []).map(({ field, reason }) => `${field} ${reason}`);
    expect(new Set(found)).toEqual(
      new Set([
        "spec.size FieldValueInvalid",
        "spec.mode FieldValueNotSupported",
        "spec.name FieldValueTooLong",
        "spec.port FieldValueTypeInvalid",
        "spec.port FieldValueInvalid",
        "spec.at FieldValueTypeInvalid",
        "spec.tags FieldValueTooMany",
        "spec.tags[0].key FieldValueTypeInvalid",
        "spec.extra.a FieldValueTypeInvalid",
      ]),
    );
    const message = (field: string) => error.details.causes?.find((cause) => cause.field === field)?.message;
    expect(message("spec.mode")).toBe('Unsupported value: "medium": supported values: "fast", "slow"');
    expect(message("spec.size")).toBe("Invalid value: 9: spec.size in body should be less than 9");
    expect(message("spec.tags[0].key")).toBe(
      'Invalid value: "integer": spec.tags[0].key in body must be of type string: "integer"',
    );
    expect(causesOf(() => new Server().create({}))).toEqual([
      { reason: "FieldValueRequired", message: "Required value", field: "spec.size" },
    ]);
  });

  it("matches patterns in time that grows with the text alone", () => {
    const server = new Server({
      type: "object",
      properties: { text: { type: "string", pattern: "^(a+)+$" } },
    });
    expect(causesOf(() => server.create({ text: `${"a".repeat(50_000)}!` }))[0]?.field).toBe("spec.text");
  });

  it("checks updates, patches and the status, and leaves the object as it was", () => {
    const server = new Server();
    server.create({ size: 3 });
    expect(causesOf(() => server.patch({ spec: { size: 0 } }))[0]?.field).toBe("spec.size");
    expect(causesOf(() => server.patch({ status: { phase: "Down" } }, "status"))[0]?.field).toBe("status.phase");
    expect(server.patch({ status: { phase: "Up" } }, "status").object).toMatchObject({
      spec: { size: 3 },
      status: { phase: "Up" },
      metadata: { generation: 1 },
    });
  });

  it("lets be what was wrong before and is not touched", () => {
    const server = new Server();
    server.create({ size: 8 });
    const crd = (maximum: number) => {
      const name = "widgets.example.com";
      const { object } = server.write("get", "customresourcedefinitions", { name });
      object.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.size.maximum = maximum;
      server.client.call("update", "customresourcedefinitions", { name, body: object });
    };
    crd(5);
    expect(server.patch({ metadata: { labels: { a: "b" } } }).object.metadata.labels).toEqual({ a: "b" });
    expect(causesOf(() => server.patch({ spec: { size: 7 } }))[0]?.field).toBe("spec.size");
  });

  it("keeps our own definitions and the samples as they are applied", () => {
    const server = new Server();
    const documents = parseAllDocuments(readFileSync(applied, "utf8")).map((document) => document.toJS());
    const ours = documents.filter((document) => document?.apiVersion?.startsWith("clusterpulse.io/"));
    expect(ours.length).toBeGreaterThan(0);
    for (const { metadata, ...rest } of ours) {
      const [group, version] = rest.apiVersion.split("/");
      const { engine } = server.client;
      const type = engine.catalog.types.find(
        (one) => one.kind === rest.kind && one.group === group && one.version === version,
      );
      if (type === undefined) throw new Error(`no ${rest.kind}`);
      const { object } = engine.create(type, "default", {
        ...rest,
        metadata: { ...metadata, namespace: "default" },
      });
      expect(object["spec"]).toMatchObject(rest.spec);
    }
  });
});

describe("fields that a definition does not know", () => {
  const spec = { size: 3, colour: "red", free: { any: { thing: 1 } }, tags: [{ key: "a", value: "b" }] };

  it("are pruned with warnings, except where they are to be kept", () => {
    const { object, warnings } = new Server().create(spec);
    expect(object.spec).toMatchObject({ size: 3, free: { any: { thing: 1 } }, tags: [{ key: "a" }] });
    expect(object.spec.colour).toBeUndefined();
    expect(object.spec.tags).toEqual([{ key: "a" }]);
    expect(warnings).toEqual(['unknown field "spec.colour"', 'unknown field "spec.tags[0].value"']);
  });

  it("are refused with fieldValidation=Strict, and pruned in silence with Ignore", () => {
    const error = refusal(() => new Server().create(spec, "fieldValidation=Strict"));
    expect([error.status, error.reason]).toEqual([400, "BadRequest"]);
    expect(error.message).toContain(
      'strict decoding error: unknown field "spec.colour", unknown field "spec.tags[0].value"',
    );
    const ignored = new Server().create(spec, "fieldValidation=Ignore");
    expect(ignored.warnings).toEqual([]);
    expect(ignored.object.spec.colour).toBeUndefined();
    expect(refusal(() => new Server().create(spec, "fieldValidation=Loud")).message).toContain("fieldValidation");
  });
});

describe("CEL rules", () => {
  it("refuse what breaks them, by their message, where they stand", () => {
    const rules = [
      { rule: "self.size < 5 || self.mode == 'fast'", message: "large ones must be fast", fieldPath: ".mode" },
      { rule: "!has(self.name) || self.name.startsWith('w')" },
    ];
    const server = new Server(specSchema, rules);
    expect(causesOf(() => server.create({ size: 6, name: "x" }))).toEqual([
      { reason: "FieldValueInvalid", message: 'Invalid value: "object": large ones must be fast', field: "spec.mode" },
      {
        reason: "FieldValueInvalid",
        message: `Invalid value: "object": failed rule: ${rules[1]?.rule}`,
        field: "spec",
      },
    ]);
    expect(server.create({ size: 6, mode: "fast", name: "wide" }).object.spec.size).toBe(6);
  });

  it("that speak of the old value hold for updates alone", () => {
    const server = new Server(specSchema, [{ rule: "self.size >= oldSelf.size", message: "must not shrink" }]);
    server.create({ size: 4 });
    expect(causesOf(() => server.patch({ spec: { size: 3 } }))[0]?.message).toContain("must not shrink");
    expect(server.patch({ spec: { size: 5 } }).object.spec.size).toBe(5);
  });

  it("that do not compile refuse nothing", () => {
    const server = new Server(specSchema, [{ rule: "self.size ===" }]);
    expect(server.create({ size: 4 }).object.spec.size).toBe(4);
  });
});

describe("metadata", () => {
  it("is refused beyond its bounds, and taken at them", () => {
    const field = (metadata: object): string | undefined =>
      causesOf(() => new Server().create({ size: 1 }, "", metadata))[0]?.field;
    expect(field({ labels: { a: "x".repeat(64) } })).toBe("metadata.labels");
    expect(field({ labels: { "a/b/c": "x" } })).toBe("metadata.labels");
    expect(field({ labels: { a: "-x" } })).toBe("metadata.labels");
    expect(field({ annotations: { "not a key": "x" } })).toBe("metadata.annotations");
    expect(field({ annotations: { a: "x".repeat(256 * 1024) } })).toBe("metadata.annotations");
    const metadata = {
      labels: { a: "x".repeat(63), "example.com/b_C.d": "" },
      annotations: { a: "x".repeat(256 * 1024 - 1) },
    };
    expect(new Server().create({ size: 1 }, "", metadata).object.metadata).toMatchObject(metadata);
  });
});
