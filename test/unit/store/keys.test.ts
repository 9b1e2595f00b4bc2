import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterKeys, parseClusterKey } from "../../../src/store/keys.ts";

describe("cluster keys", () => {
  it("reads back which cluster and part a key is of", () => {
    expect(parseClusterKey(clusterKeys.spec("prod"))).toEqual({ cluster: "prod", part: "spec" });
    expect(parseClusterKey(clusterKeys.nodes("prod"))).toEqual({ cluster: "prod", part: "nodes" });
    expect(parseClusterKey(clusterKeys.nodesSummary("prod"))).toEqual({ cluster: "prod", part: "nodes:summary" });
    expect(parseClusterKey(clusterKeys.node("prod", "w1"))).toEqual({ cluster: "prod", part: "node", node: "w1" });
    expect(parseClusterKey(clusterKeys.nodeMetrics("prod", "w1"))).toEqual({
      cluster: "prod",
      part: "node:w1:metrics",
    });
    expect(parseClusterKey(clusterKeys.events("prod"))).toBeUndefined();
    expect(parseClusterKey("clusters:all")).toBeUndefined();
    expect(parseClusterKey("cluster:prod")).toBeUndefined();
  });

  it("lets no node name reach another node's key", () => {
    expect(clusterKeys.node("c", "w1:metrics")).not.toBe(clusterKeys.nodeMetrics("c", "w1"));
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (node) => {
        const key = clusterKeys.node("c", node);
        expect(parseClusterKey(key)).toEqual({ cluster: "c", part: "node", node });
      }),
    );
  });
});
