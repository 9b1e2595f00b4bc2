// Generated clusters that are written to: what is written is there, what is not is as the seed makes it, and nobody else notices.
import { describe, expect, it } from "vitest";
import { administrator } from "../../../../src/simulator/http/callers.ts";
import type { Verb } from "../../../../src/simulator/http/catalog.ts";
import type { Answer, Engine } from "../../../../src/simulator/http/engine.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";
import { type ClusterIdentity, clusterIdentities } from "../../../../src/simulator/world/profile.ts";
import { type HeldWorlds, World } from "../../../../src/simulator/world/world.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

interface Obj {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly unschedulable?: boolean };
}

class Cluster {
  readonly clock = new VirtualClock();
  readonly #key = { seed: 7, index: 0, preset: "tiny" } as const;
  readonly #identity = clusterIdentities(7, 1)[0] as ClusterIdentity;
  readonly #held: HeldWorlds = new Map();

  get isTouched(): boolean {
    return this.#held.size > 0;
  }

  get #engine(): Engine {
    return new World(this.#key, this.#identity, this.clock, this.#held).engine();
  }

  send(verb: Verb, resource: string, part: { name?: string; namespace?: string; query?: string; body?: unknown } = {}) {
    const engine = this.#engine;
    const type = engine.catalog.types.find((one) => one.resource === resource);
    if (type === undefined) throw new Error(`no ${resource}`);
    const { name = "", namespace = "", query = "", body } = part;
    const contentType = verb === "patch" ? "application/merge-patch+json" : "application/json";
    const request = { type, verb, name, namespace, subresource: "", query: new URLSearchParams(query) };
    return engine.answer({ ...request, form: "full", contentType, body, userAgent: "test", caller: administrator });
  }

  text(...args: Parameters<Cluster["send"]>): string {
    const answer: Answer = this.send(...args);
    if (answer.type !== "body") throw new Error("not a body");
    return answer.text;
  }

  list(resource: string, part: Parameters<Cluster["send"]>[2] = {}): readonly Obj[] {
    return JSON.parse(this.text("list", resource, part)).items;
  }

  watch(resource: string, query: string) {
    const answer = this.send("watch", resource, { query });
    if (answer.type !== "watch") throw new Error("not a watch");
    const events: { readonly type: string; readonly object: Obj }[] = [];
    const stop = answer.start({ write: (line) => void events.push(JSON.parse(line)), end: () => {} });
    return { events, stop };
  }
}

const resources = ["nodes", "pods", "namespaces", "deployments", "persistentvolumeclaims", "configmaps", "events"];

describe("a generated cluster that nobody writes to", () => {
  it("is not held, whatever is read and asked of it", () => {
    const cluster = new Cluster();
    for (const resource of resources) cluster.list(resource, { query: "limit=2" });
    const [node] = cluster.list("nodes");
    cluster.text("get", "nodes", { name: node?.metadata.name ?? "" });
    cluster.text("create", "selfsubjectaccessreviews", { body: { spec: { resourceAttributes: { verb: "list" } } } });
    expect(() => cluster.text("get", "secrets", { name: "x", namespace: "default" })).toThrow(ApiError);
    expect(cluster.isTouched).toBe(false);
  });
});

describe("a generated cluster that is written to", () => {
  it("shows everything else as it was", () => {
    const [touched, other] = [new Cluster(), new Cluster()];
    touched.text("create", "configmaps", { namespace: "default", body: { metadata: { name: "made" } } });
    expect(touched.isTouched).toBe(true);
    for (const resource of resources.filter((one) => one !== "configmaps")) {
      expect(touched.list(resource)).toEqual(other.list(resource));
    }
    expect(touched.list("configmaps").map(({ metadata }) => metadata.name)).toEqual(["made"]);
    expect(other.list("configmaps")).toEqual([]);
  });

  it("changes and deletes what the seed made, in lists, pages, selections and single objects", async () => {
    const cluster = new Cluster();
    const [first, second] = cluster.list("pods");
    const [node] = cluster.list("nodes");
    if (first === undefined || second === undefined || node === undefined) throw new Error("too small");
    const count = cluster.list("pods").length;
    const at = ({ metadata: { name, namespace = "" } }: Obj) => ({ name, namespace });
    cluster.text("patch", "nodes", { ...at(node), body: { spec: { unschedulable: true } } });
    cluster.text("patch", "pods", { ...at(second), body: { metadata: { labels: { mine: "1" } } } });
    cluster.text("delete", "pods", at(first));
    await cluster.clock.advance(10_000);
    expect(JSON.parse(cluster.text("get", "nodes", at(node))).spec.unschedulable).toBe(true);
    expect(cluster.list("pods")).toHaveLength(count - 1);
    expect(cluster.list("pods", { query: "labelSelector=mine=1" }).map(at)).toEqual([at(second)]);
    expect(() => cluster.text("get", "pods", at(first))).toThrow("not found");
    const body = { metadata: { name: first.metadata.name }, spec: { containers: [] } };
    cluster.text("create", "pods", { namespace: at(first).namespace, body });
    expect(cluster.list("pods")).toHaveLength(count);
    const page = JSON.parse(cluster.text("list", "pods", { query: "limit=1" }));
    expect(page.metadata.remainingItemCount).toBe(count - 1);
  });

  it("tells watches of it, from the version of a list before", () => {
    const cluster = new Cluster();
    const list = JSON.parse(cluster.text("list", "pods"));
    const watch = cluster.watch("pods", `resourceVersion=${list.metadata.resourceVersion}`);
    expect(watch.events).toEqual([]);
    const { name, namespace } = list.items[0].metadata;
    cluster.text("patch", "pods", { name, namespace, body: { metadata: { labels: { a: "b" } } } });
    cluster.text("delete", "pods", { name, namespace });
    const seen = watch.events.map(({ type, object }) => [type, object.metadata.name, object.metadata.labels?.["a"]]);
    expect(seen).toEqual([
      ["MODIFIED", name, "b"],
      ["DELETED", name, "b"],
    ]);
    watch.stop();
    const all = cluster.watch("nodes", "");
    expect(all.events).toHaveLength(cluster.list("nodes").length);
    all.stop();
  });

  it("loses a namespace with all that the seed put into it", async () => {
    const cluster = new Cluster();
    const namespace = cluster.list("pods").find(({ metadata }) => !/^(default|kube-)/.test(metadata.namespace ?? ""));
    const name = namespace?.metadata.namespace ?? "";
    cluster.text("delete", "namespaces", { name });
    for (let i = 0; i < 5; i++) await cluster.clock.advance(1_000);
    const left = cluster.list("pods").filter(({ metadata }) => metadata.namespace === name);
    expect(left).toEqual([]);
    const claims = cluster.list("persistentvolumeclaims").filter(({ metadata }) => metadata.namespace === name);
    for (const { metadata } of claims) {
      const body = { metadata: { finalizers: [] } };
      cluster.text("patch", "persistentvolumeclaims", { name: metadata.name, namespace: name, body });
    }
    await cluster.clock.advance(1_000);
    expect(() => cluster.text("get", "namespaces", { name })).toThrow("not found");
  });
});
