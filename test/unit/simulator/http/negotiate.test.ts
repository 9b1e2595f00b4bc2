// Accept headers and what they get.
import { describe, expect, it } from "vitest";
import { negotiateDiscovery, negotiateObject } from "../../../../src/simulator/http/negotiate.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";

const statusOf = (run: () => unknown): number => {
  try {
    run();
    return 200;
  } catch (error) {
    return error instanceof ApiError ? error.status : -1;
  }
};

describe("negotiation", () => {
  it("takes the first entry it knows", () => {
    const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    expect(negotiateObject(undefined, true)).toBe("full");
    expect(negotiateObject("*/*", true)).toBe("full");
    expect(negotiateObject(`${table}, application/json`, true)).toBe("full");
    expect(negotiateObject(`${table}, ${partial}, application/json`, true)).toBe("metadata");
    expect(negotiateObject("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", false)).toBe("metadata");
    expect(statusOf(() => negotiateObject(table, true))).toBe(406);
    expect(statusOf(() => negotiateObject("application/json;q=0", true))).toBe(406);
    const v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const v2beta1 = v2.replace("v=v2", "v=v2beta1");
    expect(negotiateDiscovery(`${v2},${v2beta1},application/json`)).toBe("v2");
    expect(negotiateDiscovery(`${v2beta1},application/json`)).toBe("v2beta1");
    expect(negotiateDiscovery("application/json")).toBe("legacy");
  });
});
