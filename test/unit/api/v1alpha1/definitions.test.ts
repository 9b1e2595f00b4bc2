// The definitions themselves: what tools of the original rely on, and what kubectl makes of the files.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

const folder = new URL("../../../../config/crd/", import.meta.url);
const files = readdirSync(folder).filter((name) => name !== "kustomization.yaml");
const textOf = (file: string): string => readFileSync(new URL(file, folder), "utf8");
const definitions = new Map(
  files.map((file) => [file.slice("clusterpulse.io_".length, -".yaml".length), parse(textOf(file))]),
);

/** What the original declares: short names, and columns in their order as name, type, path. */
const original: Record<string, { shortNames: string[]; columns: string[] }> = {
  clusterconnections: {
    shortNames: ["cc"],
    columns: [
      "Display Name string .spec.displayName",
      "Endpoint string .spec.endpoint",
      "Status string .status.phase",
      "Health string .status.health",
      "Age date .metadata.creationTimestamp",
    ],
  },
  registryconnections: {
    shortNames: ["rc", "regcon"],
    columns: [
      "Display Name string .spec.displayName",
      "Endpoint string .spec.endpoint",
      "Type string .spec.type",
      "Available boolean .status.available",
      "Health string .status.health",
      "Response Time integer .status.responseTime",
      "Age date .metadata.creationTimestamp",
    ],
  },
  metricsources: {
    shortNames: ["ms", "metricsrc"],
    columns: [
      "Source Kind string .spec.source.kind",
      "Phase string .status.phase",
      "Resources integer .status.resourcesCollected",
      "Clusters integer .status.clustersCollected",
      "Age date .metadata.creationTimestamp",
    ],
  },
  monitoraccesspolicies: {
    shortNames: ["map", "policy"],
    columns: [
      "State string .status.state",
      "Effect string .spec.access.effect",
      "Priority integer .spec.identity.priority",
      "Users integer .status.affectedUsers",
      "Age date .metadata.creationTimestamp",
    ],
  },
};

test("the kustomization lists every definition", () => {
  expect(parse(textOf("kustomization.yaml")).resources).toEqual(files);
  expect([...definitions.keys()].sort()).toEqual(Object.keys(original).sort());
});

test.each(Object.entries(original))(
  "%s: names and columns of the original, further columns in wide output only",
  (plural, wanted) => {
    const { spec, metadata } = definitions.get(plural);
    const [version] = spec.versions;
    expect(metadata.name).toBe(`${plural}.clusterpulse.io`);
    expect(spec).toMatchObject({ group: "clusterpulse.io", scope: "Namespaced" });
    expect(spec.names).toMatchObject({ shortNames: wanted.shortNames, categories: ["clusterpulse"] });
    expect(version).toMatchObject({ name: "v1alpha1", served: true, storage: true, subresources: { status: {} } });
    const columns: { name: string; type: string; jsonPath: string; priority?: number }[] =
      version.additionalPrinterColumns;
    const lines = (wide: boolean) =>
      columns.filter(({ priority }) => (priority === 1) === wide).map((c) => `${c.name} ${c.type} ${c.jsonPath}`);
    expect(lines(false)).toEqual(wanted.columns);
    expect(lines(true)[0]).toBe('Ready string .status.conditions[?(@.type=="Ready")].status');
    expect(version.schema.openAPIV3Schema.required, "an object without a spec is accepted").toBeUndefined();
  },
);

test.each([...definitions])(
  "%s: standard conditions, an observed generation, and a description of every field",
  (_plural, { spec }) => {
    const { properties } = spec.versions[0].schema.openAPIV3Schema;
    expect(properties.status.properties).toMatchObject({
      observedGeneration: { type: "integer", format: "int64" },
      conditions: { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] },
    });
    const bare: string[] = [];
    const walk = (schema: Record<string, never>, path: string): void => {
      for (const [name, field] of Object.entries<Record<string, never>>(schema["properties"] ?? {})) {
        if (field["description"] === undefined) bare.push(`${path}.${name}`);
        walk(field, `${path}.${name}`);
      }
      if (schema["items"]) walk(schema["items"], `${path}[]`);
      if (schema["additionalProperties"]) walk(schema["additionalProperties"], `${path}{}`);
    };
    walk(properties.spec, "spec");
    walk(properties.status, "status");
    expect(bare).toEqual([]);
  },
);

test.each([...files, "kustomization.yaml"])("%s means the same in YAML 1.1, which kubectl reads, and 1.2", (file) => {
  const meanings = (text: string) => [parse(text, { version: "1.1" }), parse(text, { version: "1.2" })];
  const [old, current] = meanings(textOf(file));
  expect(old).toEqual(current);
  expect(meanings("n: on")).toEqual([{ false: true }, { n: "on" }]);
});
