// Custom resources of the original, as written and as a real API server kept them: both must be taken, and give the same spec.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseClusterConnection } from "../../../../src/api/v1alpha1/cluster-connection.ts";
import { parseMetricSource } from "../../../../src/api/v1alpha1/metric-source.ts";
import { parseMonitorAccessPolicy } from "../../../../src/api/v1alpha1/monitor-access-policy.ts";
import { parseRegistryConnection } from "../../../../src/api/v1alpha1/registry-connection.ts";

interface Recorded {
  readonly kind: keyof typeof parsers;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
  readonly status?: unknown;
}

const parsers = {
  ClusterConnection: parseClusterConnection,
  RegistryConnection: parseRegistryConnection,
  MetricSource: parseMetricSource,
  MonitorAccessPolicy: parseMonitorAccessPolicy,
};

function readFixture(name: string): [string, Recorded][] {
  const text = readFileSync(new URL(`../../../fixtures/api/${name}.yaml`, import.meta.url), "utf8");
  return parseAllDocuments(text).map((document) => {
    const object = document.toJS() as Recorded;
    return [`${object.kind} ${object.metadata.name}`, object];
  });
}

const applied = readFixture("applied");
const stored = new Map(readFixture("stored"));

test("the recordings hold what they are taken for", () => {
  expect([applied.length, stored.size]).toEqual([17, 18]);
});

test.each(applied)("%s as written parses to what the API server made of it", (name, object) => {
  const parsed = parsers[object.kind](object);
  expect(parsed).toMatchObject({ ok: true });
  expect(parsed.ok && parsed.value.spec).toEqual(stored.get(name)?.spec);
});

test.each([...stored])("%s as stored keeps its spec and the status that the original wrote", (_name, object) => {
  const parsed = parsers[object.kind](object);
  expect(parsed).toMatchObject({ ok: true });
  if (!parsed.ok) return;
  expect(parsed.value.spec).toEqual(object.spec);
  expect(parsed.value.status).toEqual(object.status);
});

test("a source without collection and rbac gets no defaults for them", () => {
  const object = stored.get("MetricSource broken") as Recorded;
  const parsed = parseMetricSource(object);
  expect(parsed.ok && Object.keys(parsed.value.spec).sort()).toEqual(["computed", "fields", "source"]);
});

test("a field's empty default is not an absent one", () => {
  const { metadata } = stored.get("MetricSource broken") as Recorded;
  const spec = {
    source: { apiVersion: "v1", kind: "Pod" },
    fields: [
      { name: "a", path: ".x", default: "" },
      { name: "b", path: ".y" },
    ],
  };
  const parsed = parseMetricSource({ metadata, spec });
  expect(parsed.ok && parsed.value.spec.fields).toEqual([
    { name: "a", path: ".x", type: "string", default: "" },
    { name: "b", path: ".y", type: "string" },
  ]);
});

test("problems name the entry of a list", () => {
  const { metadata } = stored.get("MetricSource broken") as Recorded;
  const spec = {
    source: { apiVersion: "v1" },
    fields: [{ name: "a", path: ".x", type: "text" }, { name: "b" }, 7],
    aggregations: [{ name: "n", function: "count", filter: { field: "a", operator: "is" }, percentile: 1.5 }],
    collection: { intervalSeconds: 29 },
  };
  const parsed = parseMetricSource({ metadata, spec });
  expect(!parsed.ok && parsed.problems).toEqual([
    "spec.source.kind must be set",
    "spec.fields[0].type must be one of string, integer, float, boolean, quantity, timestamp, arrayLength",
    "spec.fields[1].path must be set",
    "spec.fields[2] must be an object",
    expect.stringMatching(/^spec\.aggregations\[0\]\.filter\.operator must be one of equals, /),
    "spec.aggregations[0].filter.value must be set",
    "spec.aggregations[0].percentile must be a whole number",
    "spec.collection.intervalSeconds must be a whole number from 30 to 2147483647",
  ]);
});

test("policies have bounds where the original has them", () => {
  const { metadata } = [...stored.values()].find(({ kind }) => kind === "MonitorAccessPolicy") as Recorded;
  const policy = (priority: number, matchPattern: string, type: string) =>
    parseMonitorAccessPolicy({
      metadata,
      spec: {
        identity: { priority, subjects: {} },
        access: { effect: "Allow" },
        scope: { clusters: { rules: [{ selector: { matchPattern }, resources: [{ type }] }] } },
      },
    });
  expect(policy(10_000, "é".repeat(256), "pvc")).toMatchObject({
    ok: true,
    value: { spec: { access: { enabled: true }, scope: { clusters: { default: "none" } } } },
  });
  expect(policy(0, "x".repeat(257), "")).toEqual({
    ok: false,
    problems: [
      "spec.identity.priority must be a whole number from 1 to 10000",
      "spec.scope.clusters.rules[0].selector.matchPattern must be at most 256 characters long",
      "spec.scope.clusters.rules[0].resources[0].type must not be empty",
    ],
  });
});

const registry = (spec: object) =>
  parseRegistryConnection({ metadata: { name: "r", namespace: "clusterpulse" }, spec });

test.each([
  "127.0.0.1:15009",
  "registry.example.com",
  "HTTP://127.0.0.1:5000/",
  "https://r.example.com/prefix",
  "localhost:5000",
])("a registry's endpoint may be %s", (endpoint) => {
  expect(registry({ endpoint })).toMatchObject({ ok: true, value: { spec: { endpoint } } });
});

test.each([
  ["", "it is not a URL"],
  ["ftp://r.example.com", "its scheme is another one"],
  ["u:hunter2@r.example.com", "it holds a user name or password"],
  ["r.example.com/?q", "it holds a query or fragment"],
])("a registry's endpoint may not be %j", (endpoint, why) => {
  const parsed = registry({ endpoint, credentialsRef: { name: "x", namespace: "" }, monitoring: { interval: -1 } });
  expect(!parsed.ok && parsed.problems).toEqual([expect.stringContaining(why)]);
});
