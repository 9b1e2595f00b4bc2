import fc from "fast-check";
import { expect, test } from "vitest";
import { parseClusterConnection } from "../../../../src/api/v1alpha1/cluster-connection.ts";
import { objectKey } from "../../../../src/api/v1alpha1/meta.ts";
import { clusterConnections, resourcePath, secrets } from "../../../../src/api/v1alpha1/resources.ts";

const metadata = { name: "prod", namespace: "clusterpulse", uid: "u-1", resourceVersion: "7", generation: 2 };
const minimal = { endpoint: "https://api.example.com:6443", credentialsRef: { name: "prod-token" } };

function problemsOf(spec: unknown): readonly string[] {
  const parsed = parseClusterConnection({ metadata, spec });
  return parsed.ok ? [] : parsed.problems;
}

test("a minimal object gets the schema's defaults", () => {
  expect(
    parseClusterConnection({
      metadata: { ...metadata, managedFields: [] },
      spec: minimal,
      status: { phase: "Connected" },
    }),
  ).toEqual({
    ok: true,
    value: {
      metadata,
      spec: { ...minimal, labels: {}, monitoring: { interval: 30, timeout: 10 }, collectionMode: "pull" },
    },
  });
});

test("a full object keeps every field", () => {
  const spec = {
    displayName: "Production – Zürich",
    endpoint: "http://127.0.0.1:8001/clusters/c1",
    credentialsRef: { name: "prod-token", namespace: "secrets" },
    labels: { env: "prod" },
    monitoring: { interval: 60, timeout: 5 },
    collectionMode: "push",
    ingesterAddress: "hub:9443",
    collectorVersion: "1.2.3",
  };
  expect(parseClusterConnection({ metadata, spec })).toMatchObject({ ok: true, value: { spec } });
});

test.each([
  [undefined, "spec must be an object"],
  [null, "spec must be an object"],
  ["text", "spec must be an object"],
  [{ ...minimal, endpoint: undefined }, "spec.endpoint must be set"],
  [{ ...minimal, endpoint: 7 }, "spec.endpoint must be a string of at most 2048 characters"],
  [
    { ...minimal, endpoint: `https://${"a".repeat(1 << 20)}` },
    "spec.endpoint must be a string of at most 2048 characters",
  ],
  [{ ...minimal, endpoint: "api.example.com:6443" }, "its scheme is another one"],
  [{ ...minimal, endpoint: "not a url" }, "white space"],
  [{ ...minimal, endpoint: "https://" }, "it is not a URL"],
  [{ ...minimal, endpoint: "ftp://api.example.com" }, "its scheme is another one"],
  [{ ...minimal, endpoint: "https://user:hunter2@api.example.com" }, "it holds a user name or password"],
  [{ ...minimal, endpoint: "https://api.example.com?x=1" }, "it holds a query or fragment"],
  [{ ...minimal, endpoint: "https://api.example.com#x" }, "it holds a query or fragment"],
  [{ ...minimal, endpoint: "https://api.exam\u200bple.com" }, "invisible characters"],
  [{ ...minimal, credentialsRef: undefined }, "spec.credentialsRef must be an object"],
  [{ ...minimal, credentialsRef: {} }, "spec.credentialsRef.name must be a name"],
  [{ ...minimal, credentialsRef: { name: "../x" } }, "spec.credentialsRef.name must be a name"],
  [{ ...minimal, credentialsRef: { name: "x", namespace: "" } }, "spec.credentialsRef.namespace must be a name"],
  [
    { ...minimal, monitoring: { interval: -30 } },
    "spec.monitoring.interval must be a whole number from 1 to 2147483647",
  ],
  [{ ...minimal, monitoring: { interval: 0 } }, "spec.monitoring.interval must be a whole number"],
  [{ ...minimal, monitoring: { interval: "30" } }, "spec.monitoring.interval must be a whole number"],
  [
    { ...minimal, monitoring: { interval: Number.POSITIVE_INFINITY } },
    "spec.monitoring.interval must be a whole number",
  ],
  [{ ...minimal, monitoring: { timeout: 1.5 } }, "spec.monitoring.timeout must be a whole number"],
  [{ ...minimal, monitoring: [] }, "spec.monitoring must be an object"],
  [{ ...minimal, collectionMode: "Pull" }, "spec.collectionMode must be one of pull, push"],
  [{ ...minimal, labels: { a: 1 } }, "spec.labels must map names to strings"],
  [
    { ...minimal, labels: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ""])) },
    "at most 256 entries",
  ],
  [{ ...minimal, displayName: "x".repeat(1_025) }, "spec.displayName must be a string of at most 1024 characters"],
])("a spec with a fault names the field and what would be right", (spec, problem) => {
  const problems = problemsOf(spec);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
  expect(problems.join()).not.toContain("hunter2");
});

test("every problem is listed", () => {
  const problems = problemsOf({
    endpoint: "x y",
    credentialsRef: 1,
    monitoring: { interval: 0, timeout: 0 },
    labels: 1,
  });
  const fields = ["endpoint", "credentialsRef", "labels", "monitoring.interval", "monitoring.timeout"];
  expect(problems.map((problem) => problem.split(" ")[0]).sort()).toEqual(
    fields.map((field) => `spec.${field}`).sort(),
  );
});

test("metadata must identify the object", () => {
  expect(parseClusterConnection({ metadata: { name: "a" }, spec: minimal })).toEqual({
    ok: false,
    problems: ["metadata.namespace must be set"],
  });
  expect(parseClusterConnection({ spec: minimal })).toMatchObject({ ok: false });
});

test("no value makes the parser throw or return an object that breaks its own rules", () => {
  // Plain keys: fast-check cannot assign keys such as valueOf while the tests freeze Object.prototype.
  const anything = fc.anything({ key: fc.constantFrom("metadata", "spec", "name", "endpoint", "interval") });
  const anySpec = fc.record(
    {
      endpoint: fc.oneof(fc.webUrl(), anything),
      credentialsRef: fc.oneof(fc.record({ name: fc.string() }), anything),
      monitoring: fc.oneof(fc.record({ interval: fc.double(), timeout: anything }), anything),
      labels: anything,
      collectionMode: anything,
      displayName: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(anything, fc.record({ metadata: fc.constant(metadata), spec: anySpec })), (value) => {
      const parsed = parseClusterConnection(value);
      if (!parsed.ok) {
        expect(parsed.problems.length).toBeGreaterThan(0);
        return;
      }
      expect(parsed.value.spec.monitoring.interval).toBeGreaterThan(0);
      expect(URL.canParse(parsed.value.spec.endpoint)).toBe(true);
    }),
  );
});

test("paths name group, version, namespace, object and subresource", () => {
  expect(resourcePath(clusterConnections, { namespace: "ns" })).toBe(
    "/apis/clusterpulse.io/v1alpha1/namespaces/ns/clusterconnections",
  );
  expect(resourcePath(clusterConnections, { namespace: "ns", name: "a", subresource: "status" })).toBe(
    "/apis/clusterpulse.io/v1alpha1/namespaces/ns/clusterconnections/a/status",
  );
  expect(resourcePath(secrets, { namespace: "ns", name: "a/b?c" })).toBe("/api/v1/namespaces/ns/secrets/a%2Fb%3Fc");
  expect(resourcePath(secrets)).toBe("/api/v1/secrets");
});

test("keys join namespace and name", () => {
  expect([
    objectKey({ name: "a", namespace: "ns" }),
    objectKey({ name: "a" }),
    objectKey({ name: "a", namespace: "" }),
  ]).toEqual(["ns/a", "a", "a"]);
});
