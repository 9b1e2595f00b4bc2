// Definitions that come and go on the hub's API server, collections that are deleted, pods that are evicted, and their tables.
import { describe, expect, it } from "vitest";
import { administrator } from "../../../../src/simulator/http/callers.ts";
import type { Verb } from "../../../../src/simulator/http/catalog.ts";
import { openApiDocument, openApiIndex } from "../../../../src/simulator/http/openapi.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";
import { tableText } from "../../../../src/simulator/http/table.ts";
import { HubEngine } from "../../../../src/simulator/hub/engine.ts";
import { loadCrds } from "../../../../src/simulator/hub/resources.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const crdFolder = new URL("../../../../config/crd/", import.meta.url).pathname;
const clock = new VirtualClock();
const start = (): HubEngine => new HubEngine({ clock, crdFolder });

interface Part {
  readonly group?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly subresource?: string;
  readonly query?: string;
  readonly body?: unknown;
}

function send(engine: HubEngine, verb: Verb, resource: string, part: Part = {}): string {
  const { group = "", name = "", namespace = "", subresource = "", query = "", body } = part;
  const type = engine.catalog.find(group, "v1", resource);
  if (type === undefined) throw new Error(`no ${resource}`);
  const contentType = verb === "patch" ? "application/merge-patch+json" : "application/json";
  const params = new URLSearchParams(query);
  const request = {
    type,
    verb,
    namespace,
    name,
    subresource,
    query: params,
    form: "full",
    contentType,
    body,
    userAgent: "",
    caller: administrator,
  } as const;
  const answer = engine.answer(request);
  if (answer.type !== "body") throw new Error("not a body");
  return answer.text;
}

const anything = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
const crds = { group: "apiextensions.k8s.io" };
const widget = (columns: readonly object[]): Record<string, unknown> => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [{ name: "v1", served: true, storage: true, schema: anything, additionalPrinterColumns: columns }],
  },
});
const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath });

describe("definitions", () => {
  it("are served once created, change their columns when patched, and take their objects with them", () => {
    const engine = start();
    const created = JSON.parse(send(engine, "create", "customresourcedefinitions", { ...crds, body: widget([]) }));
    expect(created.status.conditions).toContainEqual(expect.objectContaining({ type: "Established", status: "True" }));
    const body = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" }, spec: { size: 3 } };
    const place = { group: "example.com", namespace: "default" };
    send(engine, "create", "widgets", { ...place, body });
    const patch = { spec: widget([column("Size", "integer", ".spec.size")])["spec"] };
    send(engine, "patch", "customresourcedefinitions", { ...crds, name: "widgets.example.com", body: patch });
    const type = engine.catalog.find("example.com", "v1", "widgets");
    if (type === undefined) throw new Error("not served");
    const request = { type, apiVersion: "meta.k8s.io/v1", include: "None", nowMs: 0 } as const;
    const table = JSON.parse(tableText(request, send(engine, "list", "widgets", place)));
    expect(table.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(["Name", "Size"]);
    expect(table.rows).toEqual([{ cells: ["w", 3], object: null }]);
    expect(Object.keys(openApiIndex(engine.catalog)["paths"] as object)).toContain("apis/example.com/v1");
    send(engine, "delete", "customresourcedefinitions", { ...crds, name: "widgets.example.com" });
    expect(engine.catalog.find("example.com", "v1", "widgets")).toBeUndefined();
    expect(() => openApiDocument(engine.catalog, "apis/example.com/v1")).toThrow(ApiError);
    send(engine, "create", "customresourcedefinitions", { ...crds, body: widget([]) });
    expect(JSON.parse(send(engine, "list", "widgets", place)).items).toEqual([]);
  });

  it("are refused with every field that is missing, or under another name than their own", () => {
    const refusal = (body: unknown): unknown => {
      try {
        send(start(), "create", "customresourcedefinitions", { ...crds, body });
        return "accepted";
      } catch (error) {
        return error instanceof ApiError
          ? [error.status, ...(error.details.causes ?? []).map(({ field }) => field)]
          : error;
      }
    };
    expect(refusal({ metadata: { name: "x" }, spec: { names: {} } })).toEqual([
      422,
      "spec.group",
      "spec.scope",
      "spec.versions",
      "spec.names.plural",
      "spec.names.kind",
    ]);
    expect(refusal({ ...widget([]), metadata: { name: "gadgets.example.com" } })).toEqual([422, "metadata.name"]);
  });
});

describe("definitions of a folder", () => {
  it("are parsed once for any number of servers, which cannot change them", () => {
    const [first, again] = [loadCrds(crdFolder), loadCrds(crdFolder)];
    expect(first.length).toBeGreaterThan(0);
    first.forEach((crd, index) => {
      expect(again[index]).toBe(crd);
      expect(Object.isFrozen(crd.spec.versions[0]?.schema?.openAPIV3Schema)).toBe(true);
    });
  });
});

describe("collections and pods", () => {
  it("lose what a selector selects, and pods that are evicted", () => {
    const engine = start();
    const namespace = "default";
    const names = (resource: string): string[] =>
      JSON.parse(send(engine, "list", resource, { namespace })).items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    for (const [name, tier] of [
      ["a", "1"],
      ["b", "2"],
      ["c", "1"],
    ]) {
      send(engine, "create", "configmaps", { namespace, body: { metadata: { name, labels: { tier } } } });
      const spec = { nodeName: tier === "1" ? "n1" : "n2", containers: [] };
      send(engine, "create", "pods", { namespace, body: { metadata: { name }, spec } });
    }
    const deleted = send(engine, "deletecollection", "configmaps", { namespace, query: "labelSelector=tier%3D1" });
    expect(JSON.parse(deleted)).toMatchObject({ kind: "ConfigMapList", items: expect.any(Array) });
    expect(names("configmaps")).toEqual(["b"]);
    const onNode = send(engine, "list", "pods", { query: "fieldSelector=spec.nodeName%3Dn1" });
    expect(JSON.parse(onNode).items).toHaveLength(2);
    send(engine, "create", "pods", {
      namespace,
      name: "a",
      subresource: "eviction",
      body: { metadata: { name: "a" } },
    });
    expect(names("pods")).toEqual(["b", "c"]);
  });
});

describe("a definition's schema", () => {
  const refused = (openAPIV3Schema: unknown, version: object = {}) => {
    const body = widget([]);
    const spec = body["spec"] as object;
    const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema }, ...version }];
    try {
      send(start(), "create", "customresourcedefinitions", { ...crds, body: { ...body, spec: { ...spec, versions } } });
    } catch (error) {
      if (error instanceof ApiError) return error.details.causes ?? [];
      throw error;
    }
    return [];
  };
  const root = "spec.versions[0].schema.openAPIV3Schema";
  const whole = "spec.validation.openAPIV3Schema";
  const object = (properties: object) => ({ type: "object", properties });

  it("is refused where it is not structural, with the place and the reason", () => {
    const fieldsOf = (schema: unknown) =>
      refused(schema).map(({ field, reason }) => `${field?.replace(root, "").replace(whole, "")} ${reason}`);
    expect(fieldsOf(undefined)).toEqual([" FieldValueRequired"]);
    expect(fieldsOf({ properties: {} })).toEqual([".type FieldValueRequired"]);
    expect(fieldsOf(object({ a: {} }))).toEqual([".properties[a].type FieldValueRequired"]);
    expect(fieldsOf(object({ a: { type: "array" } }))).toEqual([".properties[a].items FieldValueRequired"]);
    expect(fieldsOf(object({ a: { type: "text" } }))).toEqual([".properties[a].type FieldValueNotSupported"]);
    const both = { type: "object", properties: {}, additionalProperties: { type: "string" } };
    expect(fieldsOf(object({ a: both }))).toEqual([".properties[a].additionalProperties FieldValueForbidden"]);
    expect(fieldsOf(object({ a: { type: "object", $ref: "#/b" } }))).toEqual([
      ".properties[a].$ref FieldValueForbidden",
    ]);
    const list = { type: "array", items: { type: "object" }, "x-kubernetes-list-type": "map" };
    expect(fieldsOf(object({ a: list }))).toEqual([".properties[a].x-kubernetes-list-map-keys FieldValueRequired"]);
  });

  it("is refused where it does not compile, and never answers 500 later", () => {
    expect(refused(object({ a: { type: "string", pattern: "(" } }))).toMatchObject([{ reason: "FieldValueInvalid" }]);
    expect(refused(object({ a: { type: "string", maxLength: "x" } }))).toMatchObject([{ reason: "FieldValueInvalid" }]);
    expect(refused(object({ a: { "x-kubernetes-int-or-string": true } }))).toEqual([]);
    const wrongDefault = refused(object({ a: { type: "integer", default: "x" } }));
    expect(wrongDefault).toMatchObject([{ field: "spec.validation.openAPIV3Schema.properties[a].default" }]);
  });

  it("needs exactly one stored version", () => {
    expect(refused({ type: "object" }, { storage: false })).toMatchObject([{ field: "spec.versions" }]);
  });
});

describe("a definition's fields", () => {
  const start2 = (): HubEngine => {
    const engine = start();
    const properties = {
      color: { type: "string" },
      set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
      map: {
        ...{ type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"] },
        items: { type: "object", properties: { id: { type: "string" } } },
      },
    };
    const openAPIV3Schema = { type: "object", properties: { spec: { type: "object", properties } } };
    const body = widget([]);
    const version = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema } };
    const versions = [{ ...version, selectableFields: [{ jsonPath: ".spec.color" }] }];
    const definition = { ...body, spec: { ...(body["spec"] as object), versions } };
    send(engine, "create", "customresourcedefinitions", { ...crds, body: definition });
    return engine;
  };
  const place = { group: "example.com", namespace: "default" };
  const make = (engine: HubEngine, name: string, spec: object): string =>
    send(engine, "create", "widgets", {
      ...place,
      body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec },
    });

  it("select what it says that selectors may name, and nothing else", () => {
    const engine = start2();
    make(engine, "a", { color: "red" });
    make(engine, "b", { color: "blue" });
    const list = (query: string) => JSON.parse(send(engine, "list", "widgets", { ...place, query })).items;
    expect(list("fieldSelector=spec.color=red")).toMatchObject([{ metadata: { name: "a" } }]);
    expect(() => list("fieldSelector=spec.size=1")).toThrow("field label not supported");
  });

  it("hold no element twice in sets and maps", () => {
    const engine = start2();
    const causes = (spec: object): unknown => {
      try {
        return make(engine, "x", spec);
      } catch (error) {
        return (error as ApiError).details.causes;
      }
    };
    expect(causes({ set: ["a", "b", "a"] })).toMatchObject([{ reason: "FieldValueDuplicate", field: "spec.set[2]" }]);
    expect(causes({ map: [{ id: "1" }, { id: "1" }] })).toMatchObject([{ field: "spec.map[1]" }]);
  });
});
