import { describe, expect, it } from "vitest";
import type { ApiResource } from "../../../src/kube/discovery.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { locate } from "../../../src/metric-source/locate.ts";

const signal = new AbortController().signal;
const resource = (kind: string, name: string, namespaced = true): ApiResource => ({
  kind,
  name,
  namespaced,
  verbs: ["list"],
});
const serving = (answer: readonly ApiResource[] | undefined | Error) => {
  const asked: string[] = [];
  return {
    asked,
    discover: async (groupVersion: string) => {
      asked.push(groupVersion);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
};
const gateway = { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", namespaces: null };

describe("the place of a kind", () => {
  it("is known of Kubernetes' own kinds, without asking", async () => {
    const discovery = serving(undefined);
    const place = await locate({ apiVersion: "apps/v1", kind: "Deployment", namespaces: ["a"] }, discovery, signal);
    expect(place).toMatchObject({ path: "/apis/apps/v1/deployments", hasProtobuf: true });
    expect(place.pathIn("a")).toBe("/apis/apps/v1/namespaces/a/deployments");
    expect(discovery.asked).toEqual([]);
  });

  it("is what discovery says of any other kind, whatever its plural", async () => {
    const discovery = serving([resource("Gateway", "gateways"), resource("SecurityContextConstraints", "sccs")]);
    expect(await locate(gateway, discovery, signal)).toMatchObject({
      path: "/apis/gateway.networking.k8s.io/v1/gateways",
      hasProtobuf: false,
    });
    const odd = { ...gateway, kind: "SecurityContextConstraints" };
    expect((await locate(odd, discovery, signal)).path).toBe("/apis/gateway.networking.k8s.io/v1/sccs");
  });

  it.each([
    { of: "the group", answer: undefined, message: "does not serve gateway.networking.k8s.io/v1" },
    { of: "the kind", answer: [resource("Other", "others")], message: "does not serve the kind Gateway" },
  ])("is missing where the cluster lacks $of", async ({ answer, message }) => {
    const failure = locate(gateway, serving(answer), signal);
    await expect(failure).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining(message) });
  });

  it("is guessed where discovery is refused, and not where the cluster does not answer", async () => {
    const refused = serving(new KubeError("FORBIDDEN", "no", { httpStatus: 403 }));
    expect((await locate(gateway, refused, signal)).path).toBe("/apis/gateway.networking.k8s.io/v1/gateways");
    const silent = serving(new KubeError("CONNECT_TIMEOUT", "nobody"));
    await expect(locate(gateway, silent, signal)).rejects.toMatchObject({ code: "CONNECT_TIMEOUT" });
  });

  it("is not in namespaces where the kind has none", async () => {
    const discovery = serving([resource("Gateway", "gateways", false)]);
    const failure = locate({ ...gateway, namespaces: ["a"] }, discovery, signal);
    await expect(failure).rejects.toMatchObject({ code: "KIND_NOT_NAMESPACED" });
  });

  it("cannot lead anywhere else, whatever the text", async () => {
    const discovery = serving([resource("K", "../../secrets?x=")]);
    const place = await locate({ ...gateway, kind: "K" }, discovery, signal);
    expect(place.path).toBe("/apis/gateway.networking.k8s.io/v1/..%2F..%2Fsecrets%3Fx%3D");
    expect(place.pathIn("../x")).toContain("/namespaces/..%2Fx/");
  });
});
