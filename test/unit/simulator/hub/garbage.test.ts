// What is deleted with what: dependents with their owners, the contents of a namespace with it, and what holds both up.
import { describe, expect, it } from "vitest";
import { HubClient } from "../../../support/hub-client.ts";

const soonMs = 1_000;

class Gardener extends HubClient {
  /** Creates a ConfigMap; what it is called by is its uid. */
  make(name: string, owners: readonly object[] = [], metadata: object = {}): string {
    const body = { metadata: { name, ...metadata, ...(owners.length === 0 ? {} : { ownerReferences: owners }) } };
    return this.call("create", "configmaps", { body }).metadata.uid;
  }

  async names(): Promise<string[]> {
    await this.clock.advance(soonMs);
    const names = this.call("list", "configmaps").items.map((item) => item.metadata.name);
    return names.filter((name) => name !== "kube-root-ca.crt");
  }

  drop(name: string, body: object = {}) {
    return this.call("delete", "configmaps", { name, body });
  }

  patch(resource: string, name: string, body: unknown, subresource = "") {
    return this.call("patch", resource, { name, body, subresource });
  }
}

const owner = (uid: string, blocks = false) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "any",
  uid,
  ...(blocks ? { blockOwnerDeletion: true } : {}),
});

describe("garbage collection", () => {
  it("deletes dependents, and theirs, after the last owner is gone", async () => {
    const client = new Gardener();
    const [one, two] = [client.make("one"), client.make("two")];
    const shared = client.make("shared", [owner(one), owner(two)]);
    client.make("grandchild", [owner(shared)]);
    client.drop("one");
    expect(await client.names()).toEqual(["grandchild", "shared", "two"]);
    const { metadata } = client.call("get", "configmaps", { name: "shared" });
    expect(metadata).toMatchObject({ ownerReferences: [{ uid: two }] });
    client.drop("two", { propagationPolicy: "Background" });
    expect(await client.names()).toEqual([]);
  });

  it("deletes what is created with an owner that is not there, or in another namespace", async () => {
    const client = new Gardener();
    client.make("lost", [owner("no-such-uid")]);
    const elsewhere = client.call("create", "configmaps", { namespace: "default", body: { metadata: { name: "a" } } });
    client.make("stranger", [owner(elsewhere.metadata.uid)]);
    const { uid } = client.call("get", "namespaces", { name: "team" }).metadata;
    client.make("of-a-namespace", [owner(uid)]);
    expect(await client.names()).toEqual(["of-a-namespace"]);
  });

  it("leaves dependents alone when they are to be orphans", async () => {
    const client = new Gardener();
    client.make("child", [owner(client.make("parent"))]);
    client.drop("parent", { propagationPolicy: "Orphan" });
    expect(await client.names()).toEqual(["child"]);
    const { metadata } = client.call("get", "configmaps", { name: "child" });
    expect(metadata).not.toHaveProperty("ownerReferences.0");
    client.make("child2", [owner(client.make("parent2"))]);
    client.drop("parent2", { orphanDependents: true });
    expect(await client.names()).toEqual(["child", "child2"]);
  });

  it("keeps an owner in the foreground until dependents that block it are gone", async () => {
    const client = new Gardener();
    const parent = client.make("parent");
    client.make("child", [owner(parent, true)], { finalizers: ["a/b"] });
    const middle = client.make("middle", [owner(parent, true)]);
    client.make("leaf", [owner(middle, true)]);
    const answer = client.drop("parent", { propagationPolicy: "Foreground" });
    expect(answer.metadata).toMatchObject({ finalizers: ["foregroundDeletion"] });
    expect(await client.names()).toEqual(["child", "parent"]);
    client.patch("configmaps", "child", { metadata: { finalizers: null } });
    expect(await client.names()).toEqual([]);
  });

  it("follows the policy of a collection that is deleted, with or without its dependents", async () => {
    const client = new Gardener();
    const labels = { tier: "1" };
    const [one, two] = [client.make("one", [], { labels }), client.make("two", [], { labels })];
    client.make("of-one", [owner(one)]);
    client.make("of-both", [owner(one), owner(two)]);
    client.make("other");
    const query = "labelSelector=tier=1&propagationPolicy=Orphan";
    expect(client.call("deletecollection", "configmaps", { query }).items).toHaveLength(2);
    expect(await client.names()).toEqual(["of-both", "of-one", "other"]);
    const parent = client.make("parent", [], { labels });
    client.make("child", [owner(parent, true)]);
    client.call("deletecollection", "configmaps", {
      query: "labelSelector=tier=1",
      body: { propagationPolicy: "Foreground" },
    });
    expect(await client.names()).toEqual(["of-both", "of-one", "other"]);
  });

  it("refuses policies that there are not", () => {
    const client = new Gardener();
    client.make("a");
    const refused = (body: object) => client.failure("delete", "configmaps", { name: "a", body });
    expect(refused({ propagationPolicy: "Sideways" })).toMatchObject({
      status: 422,
      details: { causes: [{ reason: "FieldValueNotSupported", field: "propagationPolicy" }] },
    });
    expect(refused({ propagationPolicy: "Orphan", orphanDependents: true })).toMatchObject({ status: 422 });
  });
});

describe("a namespace", () => {
  it("has an account and the server's authority soon after it was created", async () => {
    const client = new Gardener();
    await client.clock.advance(soonMs);
    expect(client.call("list", "serviceaccounts").items.map((item) => item.metadata.name)).toEqual(["default"]);
    expect(client.call("get", "configmaps", { name: "kube-root-ca.crt" }).data).toEqual({ "ca.crt": "" });
  });

  it("terminates: takes nothing new, loses its contents, and goes when nothing holds them", async () => {
    const client = new Gardener();
    client.make("plain");
    client.make("held", [], { finalizers: ["a/b"] });
    const watch = client.watch("namespaces", `resourceVersion=${client.revision}`);
    expect(client.call("delete", "namespaces", { name: "team" })).toMatchObject({
      kind: "Namespace",
      metadata: { deletionTimestamp: expect.any(String) },
      status: { phase: "Terminating" },
    });
    expect(client.failure("create", "configmaps", { body: { metadata: { name: "new" } } })).toMatchObject({
      status: 403,
      reason: "Forbidden",
      message:
        'configmaps "new" is forbidden: unable to create new content in namespace team because it is being terminated',
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    });
    expect(await client.names()).toEqual(["held"]);
    const { status } = client.call("get", "namespaces", { name: "team" });
    expect(status).toMatchObject({
      phase: "Terminating",
      conditions: [{ type: "NamespaceContentRemaining" }, { type: "NamespaceFinalizersRemaining" }],
    });
    expect(JSON.stringify(status)).toContain("a/b in 1 resource instances");
    client.patch("configmaps", "held", { metadata: { finalizers: [] } });
    await client.clock.advance(soonMs);
    expect(client.refusal("get", "namespaces", { name: "team" })).toBe("404 NotFound");
    expect(watch.events.at(-1)).toMatchObject({ type: "DELETED", object: { metadata: { name: "team" } } });
    watch.stop();
    client.send("create", "namespaces", { body: { metadata: { name: "team" } } });
    expect(await client.names()).toEqual([]);
  });

  it("keeps its own finalizer through writes, and may lose it through finalize alone", async () => {
    const client = new Gardener();
    client.patch("namespaces", "team", { spec: { finalizers: [] }, metadata: { labels: { a: "b" } } });
    const namespace = client.call("get", "namespaces", { name: "team" });
    expect(namespace).toMatchObject({ spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
    client.call("delete", "namespaces", { name: "team" });
    const { metadata } = client.call("get", "namespaces", { name: "team" });
    const body = { ...namespace, metadata, spec: {} };
    client.send("update", "namespaces", { name: "team", subresource: "finalize", body });
    expect(client.refusal("get", "namespaces", { name: "team" })).toBe("404 NotFound");
  });

  it("stays, when the server needs it", () => {
    expect(new Gardener().refusal("delete", "namespaces", { name: "kube-system" })).toBe("403 Forbidden");
  });
});
