// The recorded OpenShift cluster, collected whole, against every value that the original stored of it. What differs is listed here, with
// the reason; anything else that differs fails.
import { describe, expect, it } from "vitest";
import { groupList, openShiftGroups, paths, recorded, startCollecting } from "./recorded-server.ts";

const stored = recorded("stored") as Record<string, { json?: unknown }>;
const theirs = (part: string): unknown => stored[`cluster:ocp:${part}`]?.json;
const at = "2026-11-21T08:03:35Z";

describe.each([
  ["with its list of API groups", openShiftGroups],
  ["without a list of API groups, as recorded", 404],
])("%s", (_, groups) => {
  async function collected(served: Readonly<Record<string, object>> = {}) {
    const { server, collect } = startCollecting();
    server.served.set(paths.groups, groups as object | number);
    for (const [path, body] of Object.entries(served)) server.served.set(path, body);
    return await collect();
  }

  it("info, and beside it the version of Kubernetes", async () => {
    const { written } = await collected();
    expect(written.get("cluster:ocp:info")).toEqual({ ...(theirs("info") as object), kubernetes_version: "v1.30.6" });
  });

  it("ClusterOperators: list, summary and each by itself", async () => {
    const { written } = await collected();
    expect(written.get("cluster:ocp:cluster_operators")).toEqual(theirs("cluster_operators"));
    const summary = theirs("cluster_operators_summary") as object;
    expect(written.get("cluster:ocp:cluster_operators_summary")).toEqual({ ...summary, timestamp: at });
    const names = Object.keys(stored).filter((key) => key.startsWith("cluster:ocp:cluster_operator:"));
    expect(names.length).toBe(7);
    for (const key of names) {
      expect(written.get(key), key).toEqual({ ...(stored[key]?.json as object), timestamp: at });
    }
  });

  it("operators: sorted by name, and with the Subscription that brought them", async () => {
    const { written } = await collected();
    const ours = written.get("cluster:ocp:operators") as { name: string; subscription: object }[];
    const original = theirs("operators") as { name: string }[];
    expect(ours.map(({ name }) => name)).toEqual(original.map(({ name }) => name).sort());
    for (const { subscription, ...operator } of ours) {
      expect(operator).toEqual(original.find(({ name }) => name === operator.name));
      expect(subscription).toMatchObject({
        channel: "stable",
        approval: expect.stringMatching(/^(Automatic|Manual)$/),
      });
    }
    expect(written.get("cluster:ocp:operators_summary")).toEqual(theirs("operators_summary"));
  });

  it("the one that has no spec is left out as by the original, but that is said", async () => {
    const { collection } = await collected();
    const message = "1 item of the list could not be read";
    expect(collection.missing).toEqual([
      { part: "operators", code: "ITEMS_MALFORMED", reason: "ItemsMalformed", message },
    ]);
  });

  it("an OperatorGroup decides where an operator works, which the original does not ask", async () => {
    const group = (namespace: string, namespaces: string[]) => ({
      metadata: { name: "group", namespace },
      status: { namespaces },
    });
    const items = [group("openshift-operators", ["shop"]), group("shop", [""])];
    const { written } = await collected({ [paths.operatorGroups]: { kind: "OperatorGroupList", items } });
    const ours = written.get("cluster:ocp:operators") as { name: string }[];
    expect(ours.find(({ name }) => name === "cert-manager.v1.14.4")).toMatchObject({
      install_modes: ["OwnNamespace", "SingleNamespace", "AllNamespaces"],
      install_mode: "SingleNamespace",
      is_cluster_wide: false,
      available_in_namespaces: ["shop"],
    });
    expect(ours.find(({ name }) => name === "etcdoperator.v0.9.4")).toMatchObject({
      install_mode: "AllNamespaces",
      is_cluster_wide: true,
      available_namespaces_detail: "All namespaces",
    });
  });

  it("an operator that no Subscription brought is shown, and one that two name is shown once", async () => {
    const subscriptions = recorded("subscriptions") as { items: { metadata: { name: string } }[] };
    const [first, ...rest] = subscriptions.items;
    const copy = { ...first, metadata: { ...first?.metadata, name: "another" } };
    const items = [first, copy, ...rest.filter(({ metadata }) => metadata.name !== "etcd")];
    const { written } = await collected({ [paths.subscriptions]: { ...subscriptions, items } });
    const ours = written.get("cluster:ocp:operators") as { name: string; subscription: unknown }[];
    expect(ours.length).toBe(6);
    expect(ours.find(({ name }) => name === "etcdoperator.v0.9.4")?.subscription).toBeNull();
    expect(ours.find(({ name }) => name === "cert-manager.v1.14.4")?.subscription).toMatchObject({ name: "another" });
  });

  it("every node and the summary, as on the other clusters", async () => {
    const { documents } = await collected();
    for (const document of documents) {
      if (document.kind !== "hash" || !document.key.startsWith("cluster:ocp:node")) continue;
      const original = stored[document.key] as Record<string, { json: Record<string, unknown> }>;
      const [member, time] = document.key.endsWith("summary") ? ["data", "timestamp"] : ["current", "timestamp"];
      const ours = JSON.parse(String(document.fields[member])) as Record<string, unknown>;
      // Roles come in no order from the original, and its sums of floats drift in the last digit.
      const sorted = (value: unknown): unknown => (Array.isArray(value) ? [...value].sort() : value);
      for (const [name, value] of Object.entries(original[member]?.json ?? {})) {
        if (name === time) continue;
        const where = `${document.key} ${name}`;
        if (typeof value === "number") expect(ours[name], where).toBeCloseTo(value, 9);
        else
          expect(name === "roles" ? sorted(ours[name]) : ours[name], where).toEqual(
            name === "roles" ? sorted(value) : value,
          );
      }
    }
    expect.hasAssertions();
  });

  it("nothing that the original stores is left out", async () => {
    const { documents } = await collected();
    const ours = new Set(documents.flatMap((document) => ("key" in document ? [document.key] : [])));
    // Written when the spec is read, and when the run has ended.
    const elsewhere = ["spec", "labels", "status", "meta"].map((part) => `cluster:ocp:${part}`);
    expect(Object.keys(stored).filter((key) => !ours.has(key) && !elsewhere.includes(key))).toEqual([]);
  });
});

it("on plain Kubernetes no console is invented and no key of OpenShift or OLM is left", async () => {
  const { server, collect } = startCollecting();
  server.served.set(paths.groups, groupList());
  const { written } = await collect();
  expect(written.get("cluster:ocp:info")).toEqual({
    api_url: "https://127.1.0.2:20443",
    version: "v1.30.6",
    platform: "linux/amd64",
  });
});
