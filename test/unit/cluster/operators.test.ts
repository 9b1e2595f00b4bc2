// What OLM's three lists say together about each operator, against a slow reference that goes through the rules one by one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES } from "../../../src/cluster/body.ts";
import { MAX_OPERATOR_LENGTH } from "../../../src/cluster/cluster-operators.ts";
import { readOperatorGroups, readSubscriptions } from "../../../src/cluster/operator-inputs.ts";
import { readOperators } from "../../../src/cluster/operators.ts";
import type { OperatorGroup, Subscription } from "../../../src/cluster/ports.ts";
import { anyJson, bodyOf } from "./arbitrary.ts";

const subscriptionsIn = (items: unknown) =>
  readSubscriptions({ body: bodyOf({ kind: "SubscriptionList", items }) }, MAX_INFLATED_BYTES).subscriptions;
const groupsIn = (items: unknown) =>
  readOperatorGroups({ body: bodyOf({ kind: "OperatorGroupList", items }) }, MAX_INFLATED_BYTES).groups;
const operatorsIn = (
  items: unknown,
  subscriptions: readonly Subscription[] = [],
  groups: readonly OperatorGroup[] = [],
) => {
  const body = bodyOf({ kind: "ClusterServiceVersionList", items });
  return readOperators({ body, subscriptions, groups }, MAX_INFLATED_BYTES);
};
const only = (csv: unknown, subscriptions?: readonly Subscription[], groups?: readonly OperatorGroup[]) => {
  const [row] = operatorsIn([csv], subscriptions, groups).operators;
  return JSON.parse(row?.text ?? "null") as Record<string, unknown>;
};
const csv = (members: { annotations?: object; labels?: object; spec?: unknown; status?: unknown } = {}) => ({
  metadata: {
    name: "etcd.v1",
    namespace: "shop",
    creationTimestamp: "2026-01-01T00:00:00Z",
    annotations: members.annotations,
    labels: members.labels,
  },
  spec: "spec" in members ? members.spec : {},
  status: members.status,
});
const supports = (...types: string[]) => ({ installModes: types.map((type) => ({ type, supported: true })) });

describe("an operator", () => {
  it("with nothing but a spec is listed with what follows from that", () => {
    expect(only(csv())).toEqual({
      name: "etcd.v1",
      display_name: "etcd.v1",
      version: "unknown",
      status: "",
      namespace: "shop",
      installed_namespace: "shop",
      install_modes: [],
      install_mode: "",
      provider: "",
      created_at: "2026-01-01T00:00:00Z",
      updated_at: "2026-01-01T00:00:00Z",
      is_cluster_wide: false,
      available_in_namespaces: ["shop"],
      available_count: 1,
      available_namespaces_detail: "shop",
      subscription: null,
    });
  });

  it("keeps an empty display name and version, which are not absent", () => {
    expect(only(csv({ spec: { displayName: "", version: "" } }))).toMatchObject({ display_name: "", version: "" });
    expect(only(csv({ spec: { displayName: 5, version: null } }))).toMatchObject({
      display_name: "etcd.v1",
      version: "unknown",
    });
  });

  it.each([
    [undefined, ""],
    [{}, "Unknown"],
    [{ phase: "Failed" }, "Failed"],
  ])("with status %j is %j", (status, phase) => {
    expect(only(csv({ status }))["status"]).toBe(phase);
  });

  it("was updated when its status says so, if that is a time", () => {
    expect(only(csv({ status: { lastUpdateTime: "2026-01-03T04:05:06Z" } }))["updated_at"]).toBe(
      "2026-01-03T04:05:06Z",
    );
    expect(only(csv({ status: { lastUpdateTime: "lately" } }))["updated_at"]).toBe("2026-01-01T00:00:00Z");
  });

  it("without a spec, a namespace or a sensible size is skipped and counted; a copy is neither", () => {
    const giant = csv({
      annotations: { "olm.targetNamespaces": Array.from({ length: 50_000 }, (_, i) => `ns-${i}`).join() },
    });
    const page = operatorsIn([
      csv({ spec: undefined }),
      { metadata: { name: "x" }, spec: {} },
      giant,
      null,
      csv({ labels: { "olm.copiedFrom": "openshift-operators" } }),
      csv(),
    ]);
    expect(page.operators.length).toBe(1);
    expect(page.skipped).toBe(4);
    expect(page.operators[0]?.text.length).toBeLessThan(MAX_OPERATOR_LENGTH);
  });
});

describe("where an operator works", () => {
  const group = (targets: readonly string[] | null, name = "group"): OperatorGroup => ({
    namespace: "shop",
    name,
    targets,
  });
  const all = csv({ spec: supports("OwnNamespace", "AllNamespaces") });

  it.each([
    [["*"], "AllNamespaces", true],
    [["shop"], "OwnNamespace", false],
    [["pay"], "SingleNamespace", false],
    [["shop", "pay"], "MultiNamespace", false],
  ])("is what its OperatorGroup selects, not what it supports: %j", (targets, mode, clusterWide) => {
    expect(only(all, [], [group(targets)])).toMatchObject({
      install_mode: mode,
      is_cluster_wide: clusterWide,
      available_in_namespaces: targets,
      available_count: targets.length,
    });
  });

  it("is as annotated when the group does not say, or another namespace's does", () => {
    const annotated = csv({ annotations: { "olm.targetNamespaces": "pay" }, spec: supports("AllNamespaces") });
    const elsewhere = { ...group(["*"]), namespace: "other" };
    for (const groups of [[], [group(null)], [elsewhere]]) {
      expect(only(annotated, [], groups)).toMatchObject({ available_in_namespaces: ["pay"], is_cluster_wide: false });
    }
  });

  it("is told by the named one of several groups, and by none that is not named", () => {
    const groups = [group(["a"], "first"), group(["b"], "second")];
    const named = csv({ annotations: { "olm.operatorGroup": "second" } });
    expect(only(named, [], groups)["available_in_namespaces"]).toEqual(["b"]);
    expect(only(csv(), [], groups)["available_in_namespaces"]).toEqual(["shop"]);
  });

  it.each([
    ["shop,pay", ["shop", "pay"]],
    [` 'shop' , "pay",,\`x\`, `, ["shop", "pay", "x"]],
    ["pay,pay", ["pay"]],
    ['""', ["shop"]],
    ["", ["shop"]],
    [7, ["shop"]],
    ["a/b,c:d", ["shop"]],
  ])("annotated as %j is %j", (annotation, namespaces) => {
    expect(only(csv({ annotations: { "olm.targetNamespaces": annotation } }))["available_in_namespaces"]).toEqual(
      namespaces,
    );
  });

  it("is cut at 20 names, and the whole list has its own member", () => {
    const names = Array.from({ length: 21 }, (_, i) => `ns-${i}`);
    const twenty = names.slice(0, 20);
    expect(only(csv(), [], [group(twenty)])).toMatchObject({
      available_in_namespaces: twenty,
      available_namespaces_detail: twenty.join(", "),
    });
    expect(only(csv(), [], [group(twenty)])).not.toHaveProperty("all_available_namespaces");
    expect(only(csv(), [], [group(names)])).toMatchObject({
      available_in_namespaces: twenty,
      available_count: 21,
      available_namespaces_detail: "21 namespaces (showing first 20)",
      all_available_namespaces: names,
    });
  });
});

describe("Subscriptions and OperatorGroups", () => {
  it.each([
    [{ status: { namespaces: [""] } }, ["*"]],
    [{ status: { namespaces: ["a", "b", "a", 7] } }, ["a", "b"]],
    [{ spec: { targetNamespaces: ["a"] } }, ["a"]],
    [{ spec: { targetNamespaces: ["a"] }, status: { namespaces: ["b"] } }, ["b"]],
    [{ spec: {} }, ["*"]],
    [{}, ["*"]],
    [{ spec: { selector: { matchLabels: { a: "b" } } } }, null],
  ])("a group with %j selects %j", (members, targets) => {
    expect(groupsIn([{ metadata: { name: "g", namespace: "n" }, ...members }])).toEqual([
      { name: "g", namespace: "n", targets },
    ]);
  });

  it("a Subscription counts in its own namespace once it has installed something; of two the first by name", () => {
    const subscription = (name: string, namespace: string, installedCSV?: string) => ({
      metadata: { name, namespace },
      spec: { channel: `channel-of-${name}`, installPlanApproval: "Manual" },
      status: { installedCSV },
    });
    const found = subscriptionsIn([
      subscription("z", "shop", "etcd.v1"),
      subscription("b", "shop", "etcd.v1"),
      subscription("a", "other", "etcd.v1"),
      subscription("c", "shop"),
      null,
    ]);
    expect(found.length).toBe(3);
    expect(only(csv(), found)["subscription"]).toEqual({ name: "b", channel: "channel-of-b", approval: "Manual" });
  });
});

describe("properties", () => {
  const names = fc.constantFrom("shop", "pay", "", "__proto__");
  const model = fc.record({
    hasModes: fc.boolean(),
    modes: fc.uniqueArray(fc.constantFrom("OwnNamespace", "AllNamespaces", "MultiNamespace")),
    annotation: fc.option(fc.array(names, { maxLength: 3 }), { nil: undefined }),
    groups: fc.array(fc.option(fc.uniqueArray(fc.constantFrom("shop", "pay", "x"), { minLength: 1, maxLength: 3 })), {
      maxLength: 2,
    }),
  });

  it("reach and mode agree with the reference", () => {
    fc.assert(
      fc.property(model, ({ hasModes, modes, annotation, groups }) => {
        const object = csv({
          annotations: { "olm.targetNamespaces": annotation?.join() },
          spec: hasModes ? supports(...modes) : {},
        });
        const given = groups.map((targets, i) => ({ namespace: "shop", name: `g${i}`, targets }));
        const annotated = [...new Set((annotation ?? []).filter((name) => name !== ""))];
        let wanted: { namespaces: readonly string[]; mode: string };
        const deciding = given.length === 1 ? (given[0]?.targets ?? null) : null;
        if (deciding !== null) {
          const isOwn = deciding.length === 1 && deciding[0] === "shop";
          wanted = {
            namespaces: deciding,
            mode: deciding.length > 1 ? "MultiNamespace" : isOwn ? "OwnNamespace" : "SingleNamespace",
          };
        } else if (annotated.length > 0) wanted = { namespaces: annotated, mode: hasModes ? "SingleNamespace" : "" };
        else if (hasModes && modes.includes("AllNamespaces")) wanted = { namespaces: ["*"], mode: "AllNamespaces" };
        else wanted = { namespaces: ["shop"], mode: hasModes ? "SingleNamespace" : "" };
        expect(only(object, [], given)).toMatchObject({
          available_in_namespaces: wanted.namespaces,
          install_mode: wanted.mode,
          is_cluster_wide: wanted.namespaces[0] === "*",
        });
      }),
    );
  });

  it("any JSON is read without a throw, and every item is a row, a copy or counted", () => {
    fc.assert(
      fc.property(
        fc.array(anyJson, { maxLength: 5 }),
        anyJson,
        anyJson,
        anyJson,
        (items, spec, status, annotations) => {
          const odd = { metadata: { name: "x", namespace: "y", annotations }, spec, status };
          const page = operatorsIn([...items, odd], subscriptionsIn([...items, odd]), groupsIn([...items, odd]));
          expect(page.operators.length + page.skipped).toBeLessThanOrEqual(items.length + 1);
          for (const { text } of page.operators) {
            const value = JSON.parse(text) as { available_in_namespaces: unknown[]; available_count: number };
            expect(value.available_in_namespaces.length).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});
