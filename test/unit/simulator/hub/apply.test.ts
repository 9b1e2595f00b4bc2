// Server-side apply and the owners of fields: what managers take, give up, share and may not take from each other.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { difference, fromFieldsV1, toFieldsV1, union } from "../../../../src/simulator/hub/field-set.ts";
import type { StructuralSchema } from "../../../../src/simulator/hub/structural-schema.ts";
import { changesBetween, fieldsOf, merged, without } from "../../../../src/simulator/hub/structured-merge.ts";
import { HubClient } from "../../../support/hub-client.ts";

const applyType = "application/apply-patch+yaml";
const deployments = "deployments";

const deployment = (spec: object, metadata: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});
const pod = (...containers: readonly object[]) => ({ template: { spec: { containers } } });

class Applier extends HubClient {
  apply(manager: string, body: unknown, query = "", resource = deployments, name = "web", subresource = "") {
    const all = `fieldManager=${manager}${query === "" ? "" : `&${query}`}`;
    return this.call("patch", resource, { name, body, query: all, contentType: applyType, subresource });
  }

  refused(manager: string, body: unknown) {
    return this.failure("patch", deployments, {
      name: "web",
      body,
      query: `fieldManager=${manager}`,
      contentType: applyType,
    });
  }

  owners(resource = deployments, name = "web") {
    const { metadata } = this.call("get", resource, { name });
    return (metadata.managedFields ?? []).map(({ manager, operation, subresource }) =>
      [manager, operation, subresource].filter((part) => part !== undefined).join(" "),
    );
  }
}

describe("server-side apply", () => {
  it("creates what is not there, owned by who applies, and changes nothing the second time", () => {
    const client = new Applier();
    const body = deployment({ replicas: 2, ...pod({ name: "a", image: "x:1", ports: [{ containerPort: 80 }] }) });
    const created = client.send("patch", deployments, {
      name: "web",
      body,
      query: "fieldManager=one",
      contentType: applyType,
    });
    expect(created).toMatchObject({ status: 201 });
    const { metadata } = client.call("get", deployments, { name: "web" });
    expect(metadata.managedFields).toEqual([
      {
        manager: "one",
        operation: "Apply",
        apiVersion: "apps/v1",
        time: expect.any(String),
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"a"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": {
                      'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ]);
    const { revision } = client;
    expect(client.apply("one", body).metadata.resourceVersion).toBe(metadata.resourceVersion);
    expect(client.revision).toBe(revision);
  });

  it("is refused where another manager owns what would change, with a cause per field, unless forced", () => {
    const client = new Applier();
    client.apply("one", deployment({ replicas: 2, paused: false }));
    const failure = client.refused("two", deployment({ replicas: 3 }));
    expect(failure).toMatchObject({
      status: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      details: {
        causes: [{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".spec.replicas" }],
      },
    });
    const both = client.refused("two", deployment({ replicas: 3, paused: true }));
    expect(both.message).toBe('Apply failed with 2 conflicts: conflicts with "one":\n- .spec.paused\n- .spec.replicas');
    expect(client.apply("two", deployment({ replicas: 3 }), "force=true").spec).toMatchObject({ replicas: 3 });
    expect(client.refused("one", deployment({ replicas: 2, paused: false })).message).toContain(
      '"two": .spec.replicas',
    );
    client.call("patch", deployments, { name: "web", body: { spec: { replicas: 4 } }, query: "fieldManager=hand" });
    const byHand = client.refused("two", deployment({ replicas: 3 })).message;
    expect(byHand).toMatch(/conflict with "hand" using apps\/v1: \.spec\.replicas$/);
  });

  it("removes what its manager no longer says, and keeps what another owns or nobody said", () => {
    const client = new Applier();
    const named = (name: string, image: string) => ({ name, image });
    client.apply("one", deployment({ ...pod(named("a", "x:1"), named("b", "y:1")) }, { labels: { a: "1", b: "2" } }));
    client.apply("two", deployment({ ...pod(named("b", "y:1")) }, { labels: { b: "2" } }));
    client.call("patch", deployments, { name: "web", body: { metadata: { labels: { c: "3" } } } });
    const { metadata, spec } = client.apply("one", deployment({ replicas: 1 }));
    expect(metadata.labels).toEqual({ b: "2", c: "3" });
    expect(spec).toMatchObject({ replicas: 1, ...pod(named("b", "y:1")) });
    expect(client.owners()).toEqual(["two Apply", "one Apply", "test Update"]);
  });

  it("leaves name and namespace when all else of the metadata is given up", () => {
    const client = new Applier();
    client.apply("one", deployment({}, { labels: { a: "1" }, annotations: { b: "2" }, finalizers: ["a/b"] }));
    const { metadata } = client.apply("one", deployment({}));
    expect(metadata).toMatchObject({ name: "web", namespace: "team" });
    expect(metadata).not.toHaveProperty("labels");
    expect(metadata).not.toHaveProperty("finalizers");
  });

  it("lets two managers share a list by its keys, in the status too", () => {
    const client = new Applier();
    const condition = (type: string) => ({ type, status: "True", reason: "R", message: "", lastTransitionTime: at });
    const at = "2026-01-01T00:00:00Z";
    const status = (type: string) => ({
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      metadata: { name: "a" },
      status: { conditions: [condition(type)] },
    });
    client.call("create", "clusterconnections", {
      body: {
        ...status("x"),
        spec: { endpoint: "https://127.0.0.1:6443", credentialsRef: { name: "s" } },
      },
    });
    const cc = ["clusterconnections", "a", "status"] as const;
    client.apply("one", { ...status("Ready"), spec: { endpoint: "ignored" } }, "", ...cc);
    const { status: shared, spec } = client.apply("two", status("Synced"), "", ...cc);
    expect(shared).toMatchObject({ conditions: [{ type: "Ready" }, { type: "Synced" }] });
    expect(spec).toMatchObject({ endpoint: "https://127.0.0.1:6443" });
    expect(client.owners("clusterconnections", "a")).toEqual(["one Apply status", "two Apply status", "test Update"]);
    const left = client.apply("one", { ...status("Ready"), status: {} }, "", ...cc);
    expect(left.status).toMatchObject({ conditions: [{ type: "Synced" }] });
  });

  it("needs a manager, an object without managedFields, and the newest version where it names one", () => {
    const client = new Applier();
    const part = { name: "web", body: deployment({}), contentType: applyType };
    expect(client.failure("patch", deployments, part)).toMatchObject({
      status: 422,
      details: { causes: [{ reason: "FieldValueRequired", field: "fieldManager" }] },
    });
    const owned = deployment(
      {},
      { managedFields: [{ manager: "x", operation: "Apply", apiVersion: "v1", fieldsV1: {} }] },
    );
    expect(client.refused("one", owned)).toMatchObject({ status: 400, message: "metadata.managedFields must be nil" });
    expect(client.refused("one", deployment({}, { resourceVersion: "1" }))).toMatchObject({ status: 409 });
    client.apply("one", deployment({}));
    expect(client.refused("one", deployment({ replicas: 1 }, { resourceVersion: "1" }))).toMatchObject({ status: 409 });
    expect(client.refused("one", deployment({}, { name: "other" }))).toMatchObject({ status: 400 });
    expect(client.refusal("patch", deployments, { ...part, query: `fieldManager=${"x".repeat(129)}` })).toBe(
      "422 Invalid",
    );
    const forced = { name: "web", body: {}, query: "force=true" };
    expect(client.refusal("patch", deployments, forced)).toBe("422 Invalid");
  });

  it("stores nothing on a dry run", () => {
    const client = new Applier();
    const { revision } = client;
    expect(client.apply("one", deployment({ replicas: 1 }), "dryRun=All").spec).toMatchObject({ replicas: 1 });
    client.apply("one", deployment({ replicas: 1 }));
    expect(client.apply("one", deployment({ replicas: 2 }), "dryRun=All").spec).toMatchObject({ replicas: 2 });
    expect(client.revision).toBe(revision + 1);
  });

  it("takes over, with kubectl, what kubectl applied on the client before", () => {
    const client = new Applier();
    const before = deployment({ replicas: 1 });
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(before) };
    client.call("create", deployments, {
      body: deployment({ replicas: 1 }, { annotations }),
      query: "fieldManager=kubectl-client-side-apply",
    });
    expect(client.refused("other", deployment({ replicas: 2 }))).toMatchObject({ status: 409 });
    expect(client.apply("kubectl", deployment({ replicas: 2 })).spec).toMatchObject({ replicas: 2 });
  });
});

describe("managedFields", () => {
  it("note who created, updated and wrote the status, by its name or its program's", () => {
    const client = new Applier();
    client.call("create", deployments, { body: deployment({ replicas: 1 }), query: "fieldManager=maker" });
    client.call("patch", deployments, { name: "web", body: { spec: { replicas: 2 } } });
    client.call("patch", deployments, { name: "web", subresource: "status", body: { status: { replicas: 2 } } });
    expect(client.owners().toSorted()).toEqual(["maker Update", "test Update", "test Update status"]);
    const { metadata } = client.call("get", deployments, { name: "web" });
    const fields = new Map(
      metadata.managedFields?.map((one) => [`${one.manager}${one.subresource ?? ""}`, one.fieldsV1]),
    );
    expect(fields.get("maker")).toEqual({ "f:spec": { "f:selector": {} } });
    expect(fields.get("test")).toEqual({ "f:spec": { "f:replicas": {} } });
    expect(fields.get("teststatus")).toEqual({ "f:status": { "f:replicas": {} } });
  });

  it("are cleared by a list with one empty entry, and unknown until the next apply", () => {
    const client = new Applier();
    client.call("create", deployments, { body: deployment({ replicas: 1 }) });
    client.call("patch", deployments, { name: "web", body: { metadata: { managedFields: [] } } });
    expect(client.owners()).toEqual(["test Update"]);
    client.call("patch", deployments, { name: "web", body: { metadata: { managedFields: [{}] } } });
    expect(client.owners()).toEqual([]);
    client.call("patch", deployments, { name: "web", body: { spec: { replicas: 2 } } });
    expect(client.owners()).toEqual([]);
    client.apply("one", deployment({ replicas: 2 }));
    expect(client.owners()).toEqual(["one Apply", "before-first-apply Update"]);
  });

  it("can be written by a patch, as kubectl does when it moves to the server", () => {
    const client = new Applier();
    client.call("create", deployments, { body: deployment({ replicas: 1 }) });
    const { metadata } = client.call("get", deployments, { name: "web" });
    const value = metadata.managedFields?.map((entry) => ({ ...entry, manager: "kubectl", operation: "Apply" }));
    const operations = [
      { op: "replace", path: "/metadata/managedFields", value },
      { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
    ];
    const part = { name: "web", body: operations, contentType: "application/json-patch+json" };
    client.call("patch", deployments, part);
    expect(client.owners()).toEqual(["kubectl Apply"]);
    const nonsense = { metadata: { managedFields: [{ manager: "x", operation: "Nope" }] } };
    client.call("patch", deployments, { name: "web", body: nonsense });
    expect(client.owners()).toEqual(["kubectl Apply"]);
  });

  it("name at most ten updaters: beyond, the oldest become one", () => {
    const client = new Applier();
    client.call("create", deployments, { body: deployment({}), query: "fieldManager=first" });
    for (let i = 0; i < 12; i++) {
      const body = { metadata: { labels: { [`l${i}`]: "x" } } };
      client.call("patch", deployments, { name: "web", body, query: `fieldManager=m${i}` });
    }
    expect(client.owners()).toHaveLength(10);
    expect(client.owners()).toContain("ancient-changes Update");
    expect(client.owners()).toContain("m11 Update");
  });
});

describe("structured merge", () => {
  const schema: StructuralSchema = {
    type: "object",
    properties: {
      set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
      map: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        items: { type: "object", properties: { id: { type: "string" }, value: { type: "integer" } } },
      },
      atomic: { type: "object", "x-kubernetes-map-type": "atomic" },
      list: { type: "array", items: { type: "string" } },
      labels: { type: "object", additionalProperties: { type: "string" } },
    },
  };
  const texts = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
  const part = fc.record(
    {
      set: texts,
      map: texts.chain((ids) =>
        fc.tuple(...ids.map((id) => fc.record({ id: fc.constant(id), value: fc.integer({ min: 0, max: 3 }) }))),
      ),
      atomic: fc.dictionary(fc.constantFrom("x", "y"), fc.integer({ min: 0, max: 3 })),
      list: texts,
      labels: fc.dictionary(fc.constantFrom("x", "y", "__proto__x"), fc.constantFrom("1", "2")),
    },
    { requiredKeys: [] },
  );

  it("has in the result every field of the configuration, and nothing else changed", () => {
    fc.assert(
      fc.property(part, part, (live, config) => {
        const result = merged(live, config, schema);
        const said = fieldsOf(config, schema);
        const { changed, removed } = changesBetween(live, result, schema);
        expect(removed.size).toBe(0);
        expect(changesBetween(result, merged(result, config, schema), schema).changed.size).toBe(0);
        expect(difference(said, fieldsOf(result, schema)).size).toBeLessThanOrEqual(
          // Empty containers of the configuration are no fields once something is in them.
          Object.values(config).filter((value) => Object.keys(value).length === 0).length,
        );
        for (const path of changed)
          expect([...said].some((one) => one.startsWith(path) || path.startsWith(one)) || isEmptyIn(config, path)).toBe(
            true,
          );
      }),
    );
  });

  const isEmptyIn = (config: object, path: string): boolean =>
    Object.entries(config).some(([name, value]) => path === `f:${name}` && Object.keys(value).length === 0);

  it("takes out again what was put in", () => {
    fc.assert(
      fc.property(part, (object) => {
        expect(without(object, fieldsOf(object, schema), schema)).toEqual(
          // Lists without elements hold no field.
          Object.fromEntries(
            Object.entries(object).filter(([name, value]) => ["set", "map"].includes(name) && value.length === 0),
          ),
        );
      }),
    );
  });

  it("writes sets of fields that it reads again", () => {
    fc.assert(
      fc.property(part, part, (one, other) => {
        const set = union(fieldsOf(one, schema), changesBetween({}, other, schema).changed);
        expect(fromFieldsV1(JSON.parse(JSON.stringify(toFieldsV1(set))))).toEqual(set);
      }),
    );
  });
});
