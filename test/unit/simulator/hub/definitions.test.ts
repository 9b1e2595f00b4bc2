// Definitions that come and go on the hub's API server, collections that are deleted, pods that are evicted, and their tables.
import { describe, expect, it } from "vitest";
import { openApiDocument, openApiIndex } from "../../../../src/simulator/http/openapi.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";
import { tableText } from "../../../../src/simulator/http/table.ts";
import { loadCrds } from "../../../../src/simulator/hub/resources.ts";
import { causesOf, crdFolder, HubClient } from "../../../support/hub-client.ts";

const anything = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
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
    const client = new HubClient();
    const { engine } = client;
    const created = client.call("create", "customresourcedefinitions", { body: widget([]) });
    expect((created.status as { conditions: object[] }).conditions).toContainEqual(
      expect.objectContaining({ type: "Established", status: "True" }),
    );
    const body = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" }, spec: { size: 3 } };
    client.call("create", "widgets", { body });
    const patch = { spec: widget([column("Size", "integer", ".spec.size")])["spec"] };
    client.call("patch", "customresourcedefinitions", { name: "widgets.example.com", body: patch });
    const type = engine.catalog.find("example.com", "v1", "widgets");
    if (type === undefined) throw new Error("not served");
    const request = { type, apiVersion: "meta.k8s.io/v1", include: "None", nowMs: 0 } as const;
    const table = JSON.parse(tableText(request, JSON.stringify(client.call("list", "widgets"))));
    expect(table.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(["Name", "Size"]);
    expect(table.rows).toEqual([{ cells: ["w", 3], object: null }]);
    expect(Object.keys(openApiIndex(engine.catalog)["paths"] as object)).toContain("apis/example.com/v1");
    client.call("delete", "customresourcedefinitions", { name: "widgets.example.com" });
    expect(engine.catalog.find("example.com", "v1", "widgets")).toBeUndefined();
    expect(() => openApiDocument(engine.catalog, "apis/example.com/v1")).toThrow(ApiError);
    client.call("create", "customresourcedefinitions", { body: widget([]) });
    expect(client.call("list", "widgets").items).toEqual([]);
  });

  it("are refused with every field that is missing, or under another name than their own", () => {
    const refusal = (body: unknown): unknown => {
      const { status, details } = new HubClient().failure("create", "customresourcedefinitions", { body });
      return [status, ...(details.causes ?? []).map(({ field }) => field)];
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
    const client = new HubClient();
    const names = (resource: string): string[] =>
      client.call("list", resource).items.map(({ metadata }) => metadata.name);
    for (const [name, tier] of [
      ["a", "1"],
      ["b", "2"],
      ["c", "1"],
    ]) {
      client.call("create", "configmaps", { body: { metadata: { name, labels: { tier } } } });
      const spec = { nodeName: tier === "1" ? "n1" : "n2", containers: [] };
      client.call("create", "pods", { body: { metadata: { name }, spec } });
    }
    const deleted = client.call("deletecollection", "configmaps", { query: "labelSelector=tier%3D1" });
    expect(deleted).toMatchObject({ kind: "ConfigMapList", items: expect.any(Array) });
    expect(names("configmaps")).toEqual(["b"]);
    const onNode = client.call("list", "pods", { namespace: "", query: "fieldSelector=spec.nodeName%3Dn1" });
    expect(onNode.items).toHaveLength(2);
    client.call("create", "pods", { name: "a", subresource: "eviction", body: { metadata: { name: "a" } } });
    expect(names("pods")).toEqual(["b", "c"]);
  });
});

describe("a definition's schema", () => {
  const refused = (openAPIV3Schema: unknown, version: object = {}) => {
    const body = widget([]);
    const spec = body["spec"] as object;
    const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema }, ...version }];
    const definition = { ...body, spec: { ...spec, versions } };
    return causesOf(() => new HubClient().call("create", "customresourcedefinitions", { body: definition }));
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
  const start = (): HubClient => {
    const client = new HubClient();
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
    client.call("create", "customresourcedefinitions", { body: definition });
    return client;
  };
  const make = (client: HubClient, name: string, spec: object): object =>
    client.call("create", "widgets", {
      body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec },
    });

  it("select what it says that selectors may name, and nothing else", () => {
    const client = start();
    make(client, "a", { color: "red" });
    make(client, "b", { color: "blue" });
    const list = (query: string) => client.call("list", "widgets", { query }).items;
    expect(list("fieldSelector=spec.color=red")).toMatchObject([{ metadata: { name: "a" } }]);
    expect(() => list("fieldSelector=spec.size=1")).toThrow("field label not supported");
  });

  it("hold no element twice in sets and maps", () => {
    const client = start();
    const causes = (spec: object) => causesOf(() => make(client, "x", spec));
    expect(causes({ set: ["a", "b", "a"] })).toMatchObject([{ reason: "FieldValueDuplicate", field: "spec.set[2]" }]);
    expect(causes({ map: [{ id: "1" }, { id: "1" }] })).toMatchObject([{ field: "spec.map[1]" }]);
  });
});
