import fc from "fast-check";
import { expect, test } from "vitest";
import { clusterServer, parseClusterConnection } from "../../../../src/api/v1alpha1/cluster-connection.ts";
import { objectKey } from "../../../../src/api/v1alpha1/meta.ts";
import { clusterConnections, resourcePath, secrets } from "../../../../src/api/v1alpha1/resources.ts";

const metadata = { name: "prod", namespace: "clusterpulse", uid: "u-1", resourceVersion: "7", generation: 2 };
const minimal = { endpoint: "https://api.example.com:6443", credentialsRef: { name: "prod-token" } };

function problemsOf(spec: unknown): readonly string[] {
  const parsed = parseClusterConnection({ metadata, spec });
  return parsed.ok ? [] : parsed.problems;
}

function specOf(spec: unknown): unknown {
  const parsed = parseClusterConnection({ metadata, spec });
  return parsed.ok ? parsed.value.spec : parsed.problems;
}

test("a minimal object gets the definition's defaults and nothing else", () => {
  expect(parseClusterConnection({ metadata: { ...metadata, managedFields: [] }, spec: minimal })).toEqual({
    ok: true,
    value: { metadata, spec: { ...minimal, collectionMode: "pull" } },
  });
});

test("an endpoint without a scheme means https, and stays as it is written", () => {
  expect(specOf({ ...minimal, endpoint: "api.example.com:6443" })).toMatchObject({ endpoint: "api.example.com:6443" });
  expect(clusterServer("api.example.com:6443")).toBe("https://api.example.com:6443");
  expect(clusterServer("http://api.example.com")).toBe("http://api.example.com");
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
  expect(specOf(spec)).toEqual(spec);
});

test.each([
  [{ interval: 0, timeout: 0 }],
  [{ interval: -30 }],
  [{ interval: 5, timeout: -2_147_483_648 }],
  [{ interval: 2_147_483_647 }],
  [{}],
])("any 32-bit number of monitoring is taken and kept as written: %j", (monitoring) => {
  expect(specOf({ ...minimal, monitoring })).toEqual({ ...minimal, monitoring, collectionMode: "pull" });
});

test("nulls are absent fields, as to the API server; so is an empty namespace of the Secret, as to the original", () => {
  const credentialsRef = { name: "prod-token", namespace: "" };
  const nulls = { displayName: null, labels: { a: null }, monitoring: { interval: null }, collectionMode: null };
  expect(specOf({ ...minimal, ...nulls, credentialsRef })).toEqual({
    ...minimal,
    labels: {},
    monitoring: {},
    collectionMode: "pull",
  });
});

test("a well-formed status comes along, a malformed one is left out", () => {
  const status = { phase: "Connected", nodes: 3, collectorStatus: { connected: true } };
  const statusOf = (given: unknown) => {
    const parsed = parseClusterConnection({ metadata, spec: minimal, status: given });
    return parsed.ok ? parsed.value.status : parsed.problems;
  };
  expect(statusOf(status)).toEqual(status);
  for (const malformed of ["text", { nodes: "three" }, { collectorStatus: {} }, { conditions: [{}] }]) {
    expect(statusOf(malformed)).toBeUndefined();
  }
});

const int32 = "must be a whole number from -2147483648 to 2147483647";

test.each([
  [undefined, "spec must be set"],
  [null, "spec must be set"],
  ["text", "spec must be an object"],
  [[], "spec must be an object"],
  [{ ...minimal, endpoint: undefined }, "spec.endpoint must be set"],
  [{ ...minimal, endpoint: null }, "spec.endpoint must be set"],
  [{ ...minimal, endpoint: 7 }, "spec.endpoint must be a string"],
  [{ ...minimal, endpoint: `https://${"a".repeat(2_041)}` }, "longer than 2048 characters"],
  [{ ...minimal, endpoint: "" }, "it is not a URL"],
  [{ ...minimal, endpoint: "not a url" }, "white space"],
  [{ ...minimal, endpoint: "https://" }, "it is not a URL"],
  [{ ...minimal, endpoint: "ftp://api.example.com" }, "its scheme is another one"],
  [{ ...minimal, endpoint: "https://user:hunter2@api.example.com" }, "it holds a user name or password"],
  [{ ...minimal, endpoint: "https://api.example.com?x=1" }, "it holds a query or fragment"],
  [{ ...minimal, endpoint: "https://api.example.com#x" }, "it holds a query or fragment"],
  [{ ...minimal, endpoint: "https://api.exam\u200bple.com" }, "invisible characters"],
  [{ ...minimal, credentialsRef: undefined }, "spec.credentialsRef must be set"],
  [{ ...minimal, credentialsRef: {} }, "spec.credentialsRef.name must be set"],
  [{ ...minimal, credentialsRef: { name: "../x" } }, "spec.credentialsRef.name must be a name"],
  [{ ...minimal, credentialsRef: { name: "x", namespace: "A" } }, "spec.credentialsRef.namespace must be a name"],
  [{ ...minimal, monitoring: { interval: 2_147_483_648 } }, `spec.monitoring.interval ${int32}`],
  [{ ...minimal, monitoring: { interval: "30" } }, `spec.monitoring.interval ${int32}`],
  [{ ...minimal, monitoring: { interval: Number.POSITIVE_INFINITY } }, `spec.monitoring.interval ${int32}`],
  [{ ...minimal, monitoring: { timeout: 1.5 } }, `spec.monitoring.timeout ${int32}`],
  [{ ...minimal, monitoring: [] }, "spec.monitoring must be an object"],
  [{ ...minimal, collectionMode: "Pull" }, "spec.collectionMode must be one of pull, push"],
  [{ ...minimal, labels: { a: 1 } }, 'spec.labels["a"] must be a string'],
  [
    { ...minimal, labels: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ""])) },
    "spec.labels must have at most 256 entries",
  ],
  [{ ...minimal, labels: { a: "x".repeat(1_025) } }, "values of at most 1024 characters"],
  [{ ...minimal, displayName: "x".repeat(1_025) }, "spec.displayName must be at most 1024 characters long"],
])("a spec with a fault names the field and what would be right", (spec, problem) => {
  const problems = problemsOf(spec);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
  expect(problems.join()).not.toContain("hunter2");
});

test("every problem with the definition is listed; once it holds, every problem of the hub's own", () => {
  const fieldsOf = (spec: unknown) => problemsOf(spec).map((problem) => problem.split(" ")[0]);
  expect(fieldsOf({ credentialsRef: 1, monitoring: { interval: "", timeout: 0.5 }, labels: 1 })).toEqual([
    "spec.endpoint",
    "spec.credentialsRef",
    "spec.labels",
    "spec.monitoring.interval",
    "spec.monitoring.timeout",
  ]);
  expect(fieldsOf({ endpoint: "x y", credentialsRef: { name: "A", namespace: "B" } })).toEqual([
    "spec.endpoint",
    "spec.credentialsRef.name",
    "spec.credentialsRef.namespace",
  ]);
});

test("metadata must identify the object", () => {
  expect(parseClusterConnection({ metadata: { name: "a" }, spec: minimal })).toEqual({
    ok: false,
    problems: ["metadata.namespace must be set"],
  });
  expect(parseClusterConnection({ metadata: { name: "A/b", namespace: "x" }, spec: minimal })).toMatchObject({
    problems: [expect.stringMatching(/^metadata\.name must be a name of lower case/)],
  });
  expect(parseClusterConnection({ spec: minimal })).toEqual({ ok: false, problems: ["metadata must be an object"] });
  expect(parseClusterConnection(undefined)).toEqual({ ok: false, problems: ["object must be an object"] });
});

test("no value makes the parser throw or return an object that breaks its own rules", () => {
  // Plain keys: fast-check cannot assign keys such as valueOf while the tests seal Object.prototype.
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
      expect(Number.isInteger(parsed.value.spec.monitoring?.interval ?? 0)).toBe(true);
      expect(URL.canParse(parsed.value.spec.endpoint)).toBe(true);
      expect(parseClusterConnection(parsed.value)).toEqual(parsed);
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
