// Who may do what on the simulated hub, and the tokens that say who one is.
import { describe, expect, it } from "vitest";
import { administrator, type Caller, impersonated } from "../../../../src/simulator/http/callers.ts";
import { HubClient } from "../../../support/hub-client.ts";

const bob: Caller = { username: "bob", groups: ["devs", "system:authenticated"] };
const rules = (resources: readonly string[], verbs: readonly string[], more: object = {}) => [
  { apiGroups: [""], resources, verbs, ...more },
];

class Guard extends HubClient {
  role(kind: "Role" | "ClusterRole", name: string, list: readonly object[]) {
    this.send("create", kind === "Role" ? "roles" : "clusterroles", { body: { metadata: { name }, rules: list } });
  }

  bind(resource: "rolebindings" | "clusterrolebindings", kind: string, name: string, subject: object) {
    const body = { metadata: { name: `${name}-${resource}` }, roleRef: { kind, name }, subjects: [subject] };
    this.send("create", resource, { body });
  }

  may(caller: Caller, verb: string, resource: string, namespace = "", name = ""): boolean {
    const [plural = "", subresource = ""] = resource.split("/");
    const wanted = { type: "resource", verb, group: "", resource: plural, subresource, namespace, name } as const;
    return this.engine.gate.allows(caller, wanted);
  }

  review(resource: string, spec: object, caller: Caller = administrator, namespace?: string) {
    const answer = this.call("create", resource, { body: { spec }, caller, ...(namespace ? { namespace } : {}) });
    return answer.status as Record<string, unknown>;
  }
}

describe("roles", () => {
  it("allow what a binding of the user, one of its groups or its account gives, where the binding holds", () => {
    const guard = new Guard();
    guard.role("Role", "reader", rules(["pods"], ["get", "list"]));
    guard.role("ClusterRole", "seer", rules(["nodes", "pods/log"], ["*"]));
    guard.bind("rolebindings", "Role", "reader", { kind: "User", name: "bob" });
    guard.bind("clusterrolebindings", "ClusterRole", "seer", { kind: "Group", name: "devs" });
    expect(guard.may(bob, "list", "pods", "team")).toBe(true);
    expect(guard.may(bob, "list", "pods", "default")).toBe(false);
    expect(guard.may(bob, "list", "pods")).toBe(false);
    expect(guard.may(bob, "delete", "pods", "team")).toBe(false);
    expect(guard.may(bob, "get", "pods/log", "default")).toBe(true);
    expect(guard.may(bob, "get", "pods/exec", "default")).toBe(false);
    expect(guard.may(bob, "delete", "nodes")).toBe(true);
    const other: Caller = { username: "eve", groups: ["system:authenticated"] };
    expect(guard.may(other, "get", "nodes")).toBe(false);
    guard.bind("rolebindings", "ClusterRole", "seer", { kind: "ServiceAccount", name: "bot", namespace: "default" });
    const bot: Caller = { username: "system:serviceaccount:default:bot", groups: [] };
    expect(guard.may(bot, "get", "pods/log", "team")).toBe(true);
    expect(guard.may(bot, "get", "pods/log", "default")).toBe(false);
  });

  it("can be for names alone, and for paths", () => {
    const guard = new Guard();
    guard.role("ClusterRole", "one", [
      ...rules(["secrets"], ["get"], { resourceNames: ["s"] }),
      { verbs: ["get"], nonResourceURLs: ["/metrics/*"] },
    ]);
    guard.bind("clusterrolebindings", "ClusterRole", "one", { kind: "User", name: "bob" });
    expect(guard.may(bob, "get", "secrets", "team", "s")).toBe(true);
    expect(guard.may(bob, "get", "secrets", "team", "t")).toBe(false);
    const path = (path: string, caller = bob) => guard.engine.gate.allows(caller, { type: "path", verb: "get", path });
    expect(path("/metrics/cadvisor")).toBe(true);
    expect(path("/debug")).toBe(false);
    expect(path("/apis/apps/v1")).toBe(true);
    expect(path("/apis", { username: "system:anonymous", groups: [] })).toBe(false);
  });

  it("are named in the refusal as a real server names them", () => {
    const guard = new Guard();
    const check = (namespace: string, name: string, resource = "deployments", group = "apps") => {
      const wanted = { type: "resource", verb: "get", group, resource, subresource: "", namespace, name } as const;
      return () => guard.engine.gate.check(bob, wanted);
    };
    expect(check("team", "web")).toThrow(
      'deployments.apps "web" is forbidden: User "bob" cannot get resource "deployments" in API group "apps" in the namespace "team"',
    );
    expect(check("", "", "nodes", "")).toThrow(
      'nodes is forbidden: User "bob" cannot get resource "nodes" in API group "" at the cluster scope',
    );
  });

  it("decide who may act for whom", () => {
    const guard = new Guard();
    const { gate } = guard.engine;
    expect(impersonated({}, bob, gate)).toBe(bob);
    expect(impersonated({ "impersonate-user": "eve", "impersonate-group": "a,b" }, administrator, gate)).toEqual({
      username: "eve",
      groups: ["a", "b", "system:authenticated"],
    });
    const asBot = { "impersonate-user": "system:serviceaccount:team:bot" };
    expect(impersonated(asBot, administrator, gate).groups).toContain("system:serviceaccounts:team");
    expect(() => impersonated(asBot, bob, gate)).toThrow(/bob.*cannot impersonate resource "users"/);
    expect(() => impersonated({ "impersonate-group": "a" }, administrator, gate)).toThrow(
      "without impersonating a user",
    );
  });
});

describe("reviews", () => {
  it("tell who asks and what it may do", () => {
    const guard = new Guard();
    guard.role("Role", "reader", rules(["pods"], ["list"]));
    guard.bind("rolebindings", "Role", "reader", { kind: "User", name: "bob" });
    const resourceAttributes = { verb: "list", resource: "pods", namespace: "team" };
    const spec = { resourceAttributes };
    expect(guard.review("selfsubjectreviews", {}, bob)).toEqual({ userInfo: bob });
    expect(guard.review("selfsubjectaccessreviews", spec, bob)).toEqual({ allowed: true });
    const elsewhere = { resourceAttributes: { ...resourceAttributes, namespace: "default" } };
    expect(guard.review("selfsubjectaccessreviews", elsewhere, bob)).toEqual({ allowed: false });
    expect(guard.review("subjectaccessreviews", { ...spec, user: "bob" })).toEqual({ allowed: true });
    expect(guard.review("subjectaccessreviews", { ...spec, user: "eve", groups: ["system:masters"] })).toMatchObject({
      allowed: true,
    });
    expect(guard.review("localsubjectaccessreviews", { ...elsewhere, user: "bob" })).toEqual({ allowed: true });
    expect(guard.review("selfsubjectrulesreviews", { namespace: "team" }, bob)).toMatchObject({
      incomplete: false,
      resourceRules: expect.arrayContaining([{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }]),
    });
    const paths = { nonResourceAttributes: { verb: "get", path: "/version" } };
    expect(guard.review("selfsubjectaccessreviews", paths, bob)).toEqual({ allowed: true });
    expect(guard.refusal("create", "selfsubjectaccessreviews", { body: { spec: {} } })).toBe("400 BadRequest");
  });
});

describe("tokens of accounts", () => {
  const tokenOf = (guard: Guard, spec: object = {}): string => {
    const request = { name: "bot", subresource: "token", body: { spec } };
    return (guard.call("create", "serviceaccounts", request).status as { token: string }).token;
  };
  const start = (): Guard => {
    const guard = new Guard();
    guard.send("create", "serviceaccounts", { body: { metadata: { name: "bot" } } });
    return guard;
  };
  const username = "system:serviceaccount:team:bot";

  it("stand for the account until they expire", async () => {
    const guard = start();
    const token = tokenOf(guard, { expirationSeconds: 600 });
    expect(guard.engine.gate.callerOf(token)).toMatchObject({
      username,
      groups: expect.arrayContaining(["system:serviceaccounts:team"]),
    });
    expect(guard.review("tokenreviews", { token })).toMatchObject({ authenticated: true, user: { username } });
    await guard.clock.advance(599_000);
    expect(guard.engine.gate.callerOf(token)).toBeDefined();
    await guard.clock.advance(1_000);
    expect(guard.engine.gate.callerOf(token)).toBeUndefined();
    expect(guard.review("tokenreviews", { token })).toMatchObject({ authenticated: false });
  });

  it("end with the account, also when there is another one of the name", () => {
    const guard = start();
    const token = tokenOf(guard);
    guard.send("delete", "serviceaccounts", { name: "bot" });
    expect(guard.engine.gate.callerOf(token)).toBeUndefined();
    guard.send("create", "serviceaccounts", { body: { metadata: { name: "bot" } } });
    expect(guard.engine.gate.callerOf(token)).toBeUndefined();
    expect(guard.engine.gate.callerOf(tokenOf(guard))).toBeDefined();
  });

  it("are for their audiences, and signed by this server alone", () => {
    const guard = start();
    const token = tokenOf(guard, { audiences: ["hub"] });
    expect(guard.review("tokenreviews", { token, audiences: ["hub", "x"] })).toMatchObject({ audiences: ["hub"] });
    expect(guard.review("tokenreviews", { token, audiences: ["x"] })).toMatchObject({ authenticated: false });
    const other = start();
    for (const wrong of [tokenOf(other), `${token}x`, token.slice(0, -2), "a.b.c", "", "x".repeat(10_000)]) {
      expect(guard.engine.gate.callerOf(wrong)).toBeUndefined();
    }
  });

  it("last ten minutes at least, and need an account", () => {
    const guard = start();
    const request = { name: "bot", subresource: "token", body: { spec: { expirationSeconds: 599 } } };
    expect(guard.refusal("create", "serviceaccounts", request)).toBe("422 Invalid");
    expect(guard.refusal("create", "serviceaccounts", { ...request, name: "nobody" })).toBe("404 NotFound");
  });
});
