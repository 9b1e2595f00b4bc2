// What the simulated hub knows of built-in kinds: their fields, their scale, what becomes of workloads, and events in two forms.
import { describe, expect, it } from "vitest";
import { HubClient } from "../../../support/hub-client.ts";

const soonMs = 1_000;
const web = (spec: object = {}) => ({
  metadata: { name: "web" },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});

describe("built-in kinds", () => {
  it("lose members that they do not have, with a warning or a refusal", () => {
    const client = new HubClient();
    const body = web({ replicas: 2, nope: 1, template: { spec: { containers: [{ name: "a", imagee: "x" }] } } });
    const answer = client.send("create", "deployments", { body });
    expect(answer).toMatchObject({
      warnings: ['unknown field "spec.nope"', 'unknown field "spec.template.spec.containers[0].imagee"'],
    });
    expect(client.call("get", "deployments", { name: "web" }).spec).not.toHaveProperty("nope");
    const strict = client.failure("create", "deployments", { body, query: "fieldValidation=Strict" });
    expect(strict.message).toContain('strict decoding error: unknown field "spec.nope"');
  });

  it("refuse values of another type, and moments of leases that have not six digits", () => {
    const client = new HubClient();
    const refused = (resource: string, body: object) => client.failure("create", resource, { body }).message;
    expect(refused("deployments", web({ replicas: "2" }))).toMatch(
      /cannot be handled as a Deployment: json: cannot unmarshal string .* \(field spec\.replicas\)$/,
    );
    expect(refused("configmaps", { metadata: { name: "c" }, data: { a: 1 } })).toContain("(field data.a)");
    const lease = (renewTime: string) => ({ metadata: { name: "l" }, spec: { holderIdentity: "me", renewTime } });
    expect(refused("leases", lease("2026-01-01T00:00:00.123Z"))).toContain("2006-01-02T15:04:05.000000Z07:00");
    expect(client.refusal("create", "leases", { body: lease("2026-01-01T00:00:00.123456Z") })).toBe("accepted");
  });

  it("keep what is immutable: the type of a Secret, and what says so of itself", () => {
    const client = new HubClient();
    const body = { metadata: { name: "s" }, immutable: true, data: { a: "eA==" } };
    client.send("create", "secrets", { body });
    const refused = (change: object) => {
      const { causes = [] } = client.failure("patch", "secrets", { name: "s", body: change }).details;
      return causes.map(({ field, reason }) => `${field} ${reason}`);
    };
    expect(refused({ data: { a: "eQ==" } })).toEqual(["data FieldValueForbidden"]);
    expect(refused({ immutable: false })).toEqual(["immutable FieldValueForbidden"]);
    expect(refused({ type: "other" })).toEqual(["type FieldValueInvalid"]);
    const labels = { name: "s", body: { metadata: { labels: { a: "b" } } } };
    expect(client.refusal("patch", "secrets", labels)).toBe("accepted");
  });

  it("count generations of what is wanted: not of labels, statuses, Secrets", () => {
    const client = new HubClient();
    const generation = (resource: string, name: string) => client.call("get", resource, { name }).metadata.generation;
    client.send("create", "deployments", { body: web() });
    expect(generation("deployments", "web")).toBe(1);
    client.send("patch", "deployments", { name: "web", body: { metadata: { labels: { a: "b" } } } });
    client.send("patch", "deployments", { name: "web", subresource: "status", body: { status: { replicas: 7 } } });
    expect(generation("deployments", "web")).toBe(1);
    client.send("patch", "deployments", { name: "web", body: { spec: { paused: true } } });
    expect(generation("deployments", "web")).toBe(2);
    client.send("create", "secrets", { body: { metadata: { name: "s" } } });
    expect(generation("secrets", "s")).toBeUndefined();
  });
});

describe("a scale", () => {
  it("shows how many replicas there are and changes how many are wanted", async () => {
    const client = new HubClient();
    client.send("create", "deployments", { body: web({ replicas: 2 }) });
    await client.clock.advance(soonMs);
    const scale = { name: "web", subresource: "scale" };
    const before = client.call("get", "deployments", scale);
    expect(before).toMatchObject({
      kind: "Scale",
      spec: { replicas: 2 },
      status: { replicas: 2, selector: "app=web" },
    });
    const { metadata } = client.call("update", "deployments", { ...scale, body: { ...before, spec: { replicas: 5 } } });
    expect(client.call("get", "deployments", { name: "web" })).toMatchObject({
      metadata: { resourceVersion: metadata.resourceVersion, generation: 2 },
      spec: { replicas: 5 },
    });
    expect(client.refusal("update", "deployments", { ...scale, body: before })).toBe("409 Conflict");
    client.send("patch", "deployments", { ...scale, body: { spec: { replicas: 1 } } });
    expect(client.call("get", "deployments", { name: "web" }).spec).toMatchObject({ replicas: 1 });
    const negative = { ...scale, body: { spec: { replicas: -1 } } };
    expect(client.refusal("patch", "deployments", negative)).toBe("422 Invalid");
    expect(client.refusal("get", "deployments", { ...scale, name: "no" })).toBe("404 NotFound");
  });

  it("is where a definition says that it is", () => {
    const client = new HubClient();
    const integer = { type: "integer" };
    client.send("create", "customresourcedefinitions", {
      body: {
        metadata: { name: "farms.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names: { plural: "farms", kind: "Farm" },
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              subresources: {
                status: {},
                scale: {
                  specReplicasPath: ".spec.size.wanted",
                  statusReplicasPath: ".status.there",
                  labelSelectorPath: ".status.selector",
                },
              },
              schema: {
                openAPIV3Schema: {
                  type: "object",
                  properties: {
                    spec: {
                      type: "object",
                      properties: { size: { type: "object", properties: { wanted: integer } } },
                    },
                    status: { type: "object", properties: { there: integer, selector: { type: "string" } } },
                  },
                },
              },
            },
          ],
        },
      },
    });
    client.send("create", "farms", { body: { apiVersion: "example.com/v1", kind: "Farm", metadata: { name: "f" } } });
    const status = { status: { there: 3, selector: "a=b" } };
    client.send("patch", "farms", { name: "f", subresource: "status", body: status });
    client.send("patch", "farms", { name: "f", subresource: "scale", body: { spec: { replicas: 4 } } });
    expect(client.call("get", "farms", { name: "f", subresource: "scale" })).toMatchObject({
      spec: { replicas: 4 },
      status: { replicas: 3, selector: "a=b" },
    });
    expect(client.call("get", "farms", { name: "f" }).spec).toEqual({ size: { wanted: 4 } });
  });
});

describe("workloads", () => {
  it("report soon that everything wanted is there", async () => {
    const client = new HubClient();
    client.send("create", "deployments", { body: web() });
    client.send("create", "statefulsets", { body: web({ replicas: 3, serviceName: "s" }) });
    client.send("create", "jobs", { body: { metadata: { name: "j" }, spec: { completions: 2 } } });
    client.send("create", "nodes", { body: { metadata: { name: "n" } } });
    client.send("create", "daemonsets", { body: web() });
    await client.clock.advance(soonMs);
    const status = (resource: string, name = "web") => client.call("get", resource, { name }).status;
    expect(status("deployments")).toMatchObject({ observedGeneration: 1, updatedReplicas: 1, availableReplicas: 1 });
    expect(status("statefulsets")).toMatchObject({ observedGeneration: 1, readyReplicas: 3 });
    expect(status("daemonsets")).toMatchObject({ desiredNumberScheduled: 1, numberReady: 1 });
    expect(status("jobs", "j")).toMatchObject({ succeeded: 2, conditions: [{ type: "Complete", status: "True" }] });
    client.send("patch", "deployments", { name: "web", body: { spec: { replicas: 4 } } });
    await client.clock.advance(soonMs);
    expect(status("deployments")).toMatchObject({ observedGeneration: 2, readyReplicas: 4 });
    const { revision } = client;
    await client.clock.advance(60 * soonMs);
    expect(client.revision).toBe(revision);
  });

  it("bind pods to a node, once", () => {
    const client = new HubClient();
    client.send("create", "pods", { body: { metadata: { name: "p" }, spec: { containers: [] } } });
    const binding = { name: "p", subresource: "binding", body: { target: { kind: "Node", name: "n" } } };
    expect(client.call("get", "pods", { name: "p" }).status).toEqual({ phase: "Pending" });
    expect(client.call("create", "pods", binding)).toMatchObject({ kind: "Status", status: "Success" });
    expect(client.call("get", "pods", { name: "p" }).spec).toMatchObject({ nodeName: "n" });
    expect(client.refusal("create", "pods", binding)).toBe("409 Conflict");
    expect(client.refusal("create", "pods", { ...binding, body: {} })).toBe("422 Invalid");
  });
});

describe("an eviction", () => {
  it("is held up by a budget of the pod that allows none", () => {
    const client = new HubClient();
    const pod = (name: string, app: string) =>
      client.send("create", "pods", { body: { metadata: { name, labels: { app } }, spec: { containers: [] } } });
    pod("a", "web");
    pod("b", "db");
    const selector = { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] };
    client.send("create", "poddisruptionbudgets", { body: { metadata: { name: "budget" }, spec: { selector } } });
    const allow = (disruptionsAllowed: number) =>
      client.send("patch", "poddisruptionbudgets", {
        name: "budget",
        subresource: "status",
        body: { status: { disruptionsAllowed, desiredHealthy: 2, currentHealthy: 2 } },
      });
    const evict = (name: string) => ({ name, subresource: "eviction", body: {} });
    allow(0);
    expect(client.failure("create", "pods", evict("a"))).toMatchObject({
      status: 429,
      reason: "TooManyRequests",
      details: { causes: [{ reason: "DisruptionBudget", message: expect.stringContaining("needs 2 healthy pods") }] },
    });
    expect(client.refusal("create", "pods", evict("b"))).toBe("accepted");
    allow(1);
    expect(client.refusal("create", "pods", evict("a"))).toBe("accepted");
    expect(client.refusal("create", "pods", evict("a"))).toBe("404 NotFound");
  });
});

describe("events", () => {
  it("are the same in the core group and in their own", () => {
    const client = new HubClient();
    const node = { kind: "Node", name: "n", namespace: "team" };
    const event = {
      ...{ apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "e" } },
      ...{ regarding: node, note: "it broke", reason: "Broken", type: "Warning" },
      ...{ reportingController: "me", eventTime: "2026-01-01T00:00:00.000000Z" },
    };
    const watch = client.watch("events.events.k8s.io", `resourceVersion=${client.revision}`);
    const created = client.call("create", "events.events.k8s.io", { body: event });
    expect(created).toMatchObject(event);
    expect(client.call("get", "events", { name: "e" })).toMatchObject({
      apiVersion: "v1",
      involvedObject: node,
      message: "it broke",
      reportingComponent: "me",
    });
    const patched = client.call("patch", "events.events.k8s.io", { name: "e", body: { note: "again" } });
    expect(patched).toMatchObject({ note: "again", regarding: node });
    const list = (resource: string, query: string) => client.call("list", resource, { query }).items;
    expect(list("events.events.k8s.io", "fieldSelector=regarding.name=n")).toMatchObject([{ note: "again" }]);
    expect(list("events", "fieldSelector=involvedObject.name=n,reason=Broken")).toMatchObject([{ message: "again" }]);
    expect(list("events", "fieldSelector=involvedObject.name=other")).toEqual([]);
    expect(watch.events.map(({ type, object }) => [type, (object as { note?: string }).note])).toEqual([
      ["ADDED", "it broke"],
      ["MODIFIED", "again"],
    ]);
    watch.stop();
  });
});

describe("versions of a definition", () => {
  it("are forms of one store", () => {
    const client = new HubClient();
    const version = (name: string, storage: boolean) => ({
      ...{ name, served: true, storage },
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    });
    client.send("create", "customresourcedefinitions", {
      body: {
        metadata: { name: "widgets.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names: { plural: "widgets", kind: "Widget" },
          versions: [version("v1", true), version("v1beta1", false)],
        },
      },
    });
    const type = (name: string) => {
      const found = client.engine.catalog.find("example.com", name, "widgets");
      if (found === undefined) throw new Error(`no ${name}`);
      return found;
    };
    const beta = type("v1beta1");
    const request = { type: beta, namespace: "team", name: "", subresource: "", query: new URLSearchParams() };
    const common = { form: "full", contentType: "", userAgent: "", caller: { username: "x", groups: [] } } as const;
    const body = { apiVersion: "example.com/v1beta1", kind: "Widget", metadata: { name: "w" } };
    const answer = client.engine.answer({ ...request, ...common, verb: "create", body });
    expect(answer).toMatchObject({ type: "body", text: expect.stringContaining('"apiVersion":"example.com/v1beta1"') });
    expect(client.call("get", "widgets", { name: "w" })).toMatchObject({ apiVersion: "example.com/v1" });
    const list = client.engine.answer({ ...request, ...common, verb: "list", body: undefined });
    expect(list).toMatchObject({ text: expect.stringMatching(/"items":\[\{"apiVersion":"example.com\/v1beta1"/) });
  });
});
