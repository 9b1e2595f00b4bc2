// Our own kinds: the samples, objects as they were applied to a hub, and wrong ones, each created with all fields checked and applied.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { apply, get, namespace, patch, post, type Step } from "../step.ts";

const root = join(import.meta.dirname, "../../..");

interface Sample {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

const plurals: Readonly<Record<string, string>> = {
  ClusterConnection: "clusterconnections",
  MetricSource: "metricsources",
  MonitorAccessPolicy: "monitoraccesspolicies",
  RegistryConnection: "registryconnections",
};
const path = (kind: string): string => `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/${plurals[kind]}`;

/** Objects of our kinds in the files, renamed after file and number. */
function samplesOf(pattern: string): Sample[] {
  return globSync(pattern, { cwd: root })
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(root, file), "utf8"))
        .map((document) => document.toJS() as Sample | null)
        .filter((sample): sample is Sample => sample !== null && plurals[sample.kind] !== undefined)
        .map((sample, i) => {
          const name = `${file.replace(/^.*\//, "").replace(/\.yaml$/, "")}-${i}`;
          return { ...sample, metadata: { name } };
        }),
    );
}

const steps = (what: string, samples: readonly Sample[]): Step[] =>
  samples.flatMap((sample): Step[] => {
    const { name } = sample.metadata;
    const at = path(sample.kind);
    return [
      { title: `create ${what} ${name}`, request: post(`${at}?fieldValidation=Strict`, sample) },
      {
        title: `apply ${what} ${name}`,
        request: patch(
          `${at}/${name}-applied?fieldManager=us`,
          JSON.stringify({ ...sample, metadata: { name: `${name}-applied` } }),
          apply,
        ),
      },
      { title: `get ${what} ${name}`, request: get(`${at}/${name}`) },
    ];
  });

const wrong = (kind: string, name: string, spec: unknown): Sample =>
  ({ apiVersion: "clusterpulse.io/v1alpha1", kind, metadata: { name }, spec }) as Sample;

export const samples: readonly Step[] = [
  ...steps("a sample", samplesOf("config/samples/*.yaml")),
  ...steps("an applied object", samplesOf("test/fixtures/api/applied.yaml")),
  ...steps("an applied object", samplesOf("test/fixtures/golden-fleet/applied-manifests.yaml")),
  ...steps("a wrong source", samplesOf("test/fixtures/metricsource-broken/*.yaml")),
  ...steps("a wrong object", [
    wrong("ClusterConnection", "no-spec-members", {}),
    wrong("ClusterConnection", "wrong-mode", {
      endpoint: "https://a:1",
      credentialsRef: { name: "a" },
      collectionMode: "both",
    }),
    wrong("ClusterConnection", "wrong-interval", {
      endpoint: "https://a:1",
      credentialsRef: { name: "a" },
      monitoring: { interval: "30s" },
    }),
    wrong("ClusterConnection", "unknown-member", {
      endpoint: "https://a:1",
      credentialsRef: { name: "a" },
      endpont: "x",
    }),
    wrong("ClusterConnection", "wrong-labels", {
      endpoint: "https://a:1",
      credentialsRef: { name: "a" },
      labels: { a: 1 },
    }),
    wrong("RegistryConnection", "no-endpoint", { type: "distribution" }),
    wrong("MonitorAccessPolicy", "no-access", { identity: { subjects: {} } }),
    wrong("MonitorAccessPolicy", "wrong-effect", {
      access: { effect: "Maybe" },
      identity: { subjects: {}, priority: 0 },
      scope: { clusters: {} },
    }),
  ]),
];
