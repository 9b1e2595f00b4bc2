// Accept headers and what they get.
import { describe, expect, it } from "vitest";
import { negotiateDiscovery, negotiateObject } from "../../../../src/simulator/http/negotiate.ts";
import { statusOf } from "../../../support/api-status.ts";

describe("negotiation", () => {
  it("takes the first entry it knows", () => {
    const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const form = (accept: string | undefined, isList = true) =>
      negotiateObject(accept, { isList, protobuf: "none" }).form;
    expect(form(undefined)).toBe("full");
    expect(form("*/*")).toBe("full");
    expect(form(`${partial}, ${table}, application/json`)).toBe("metadata");
    const tableOf = (accept: string) => negotiateObject(accept, { isList: true, protobuf: "all" }).table;
    expect(tableOf(`application/cbor, ${table}, application/json`)).toBe("meta.k8s.io/v1");
    expect(tableOf(table.replace("v=v1", "v=v1beta1"))).toBe("meta.k8s.io/v1beta1");
    expect(tableOf(`application/json, ${table}`)).toBeUndefined();
    expect(form("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", false)).toBe("metadata");
    expect(statusOf(() => form(table.replace("v=v1", "v=v9")))).toBe(406);
    expect(statusOf(() => form("application/json;q=0"))).toBe(406);
    const v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const v2beta1 = v2.replace("v=v2", "v=v2beta1");
    expect(negotiateDiscovery(`${v2},${v2beta1},application/json`)).toBe("v2");
    expect(negotiateDiscovery(`${v2beta1},application/json`)).toBe("v2beta1");
    expect(negotiateDiscovery("application/json")).toBe("legacy");
  });

  it("answers protobuf where it can and was asked for first", () => {
    const proto = "application/vnd.kubernetes.protobuf";
    const partial = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const get = (accept: string, protobuf: "all" | "metadata" | "none") => {
      const { form, encoding } = negotiateObject(accept, { isList: true, protobuf });
      return `${form} ${encoding}`;
    };
    expect(get(`${proto},application/json`, "all")).toBe("full protobuf");
    expect(get(`application/json,${proto}`, "all")).toBe("full json");
    expect(get(`${proto},application/json`, "metadata")).toBe("full json");
    expect(get(`${proto};${partial},application/json;${partial}`, "metadata")).toBe("metadata protobuf");
    expect(get(`${proto};${partial},application/json;${partial}`, "none")).toBe("metadata json");
    expect(statusOf(() => get(proto, "metadata"))).toBe(406);
  });
});
