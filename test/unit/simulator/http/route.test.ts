// Paths and what they mean.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRoute } from "../../../../src/simulator/http/route.ts";
import { statusOf } from "../../../support/api-status.ts";

const route = (method: string, path: string, query = "") => parseRoute(method, path, new URLSearchParams(query));

describe("routes", () => {
  it.each([
    ["/api/v1/pods", { group: "", version: "v1", resource: "pods", namespace: "", name: "", subresource: "" }],
    ["/api/v1/namespaces/x", { resource: "namespaces", namespace: "", name: "x", subresource: "" }],
    ["/api/v1/namespaces/x/status", { resource: "namespaces", namespace: "", name: "x", subresource: "status" }],
    ["/api/v1/namespaces/x/pods", { resource: "pods", namespace: "x", name: "" }],
    ["/api/v1/namespaces/x/pods/p/log", { resource: "pods", namespace: "x", name: "p", subresource: "log" }],
    ["/apis/apps/v1/deployments", { group: "apps", resource: "deployments", namespace: "" }],
    ["/apis/a.io/v1/namespaces/x/things/t/status", { group: "a.io", namespace: "x", name: "t", subresource: "status" }],
    ["/api/v1/nodes/n/", { resource: "nodes", name: "n" }],
    ["/apis/a.io/v1", { type: "discovery", path: ["apis", "a.io", "v1"] }],
    ["/api", { type: "discovery", path: ["api"] }],
    ["/version", { type: "version" }],
    ["/livez", { type: "health" }],
    ["/openapi/v2", { type: "openapi", version: "v2", path: "" }],
    ["/openapi/v3/apis/apps/v1", { type: "openapi", version: "v3", path: "apis/apps/v1" }],
  ])("%s", (path, meaning) => {
    expect(route("GET", path)).toMatchObject(meaning);
  });

  it.each([
    ["GET", "/api/v1/pods", "", "list"],
    ["GET", "/api/v1/pods", "watch=1", "watch"],
    ["GET", "/api/v1/pods", "watch=true", "watch"],
    ["GET", "/api/v1/pods", "watch=false", "list"],
    ["GET", "/api/v1/nodes/n", "", "get"],
    ["POST", "/api/v1/nodes", "", "create"],
    ["PUT", "/api/v1/nodes/n", "", "update"],
    ["PATCH", "/api/v1/nodes/n", "", "patch"],
    ["DELETE", "/api/v1/nodes/n", "", "delete"],
    ["DELETE", "/api/v1/nodes", "", "deletecollection"],
    ["POST", "/api/v1/namespaces/x/pods/p/eviction", "", "create"],
  ])("%s %s?%s is %s", (method, path, query, verb) => {
    expect(route(method, path, query)).toMatchObject({ type: "resource", verb });
  });

  it("refuse what has no shape or no such method", () => {
    for (const path of ["/", "/nope", "/api//pods", "/api/v1/nodes/n/a/b", "/api/v1/namespaces/x/pods/p/log/more"]) {
      expect(statusOf(() => route("GET", path))).toBe(404);
    }
    expect(statusOf(() => route("POST", "/version"))).toBe(405);
    expect(statusOf(() => route("POST", "/api/v1/nodes/n"))).toBe(405);
    expect(statusOf(() => route("PUT", "/api/v1/nodes"))).toBe(405);
    expect(statusOf(() => route("POST", "/openapi/v3"))).toBe(405);
    expect(statusOf(() => route("OPTIONS", "/api/v1/nodes"))).toBe(405);
  });

  it("never fail other than with a Status, whatever the path", () => {
    fc.assert(
      fc.property(fc.webPath({ size: "small" }), fc.constantFrom("GET", "POST", "DELETE", "TRACE"), (path, method) => {
        expect([200, 400, 404, 405]).toContain(statusOf(() => route(method, path)));
      }),
    );
  });
});
