// What reading a page of 300 pods costs, from inflated bytes to counters per node, against JSON.parse of the same page, which folds nothing:
// `fold-protobuf` on pods as clusters have them (probes, volumes, conditions: about 3 kB of JSON each), `fold-protobuf-lean` on the
// bare pods of the recorded clusters, `fold-json` the lane for servers that answer JSON. Managed fields, which a real page has too, would
// only make JSON.parse slower.
import { readFileSync } from "node:fs";
import { MAX_INFLATED_BYTES } from "../../src/cluster/body.ts";
import { foldPods } from "../../src/cluster/fold-pods.ts";
import type { ResponseBody } from "../../src/cluster/ports.ts";
import { encodeBody } from "../../src/kube/protobuf/encode.ts";
import type { Measure } from "./harness.ts";
import { parseWhole } from "./reference/parse.mjs";

const pods = 300;
const pagesPerRound = 20;

interface Pod {
  readonly metadata: Record<string, unknown> & { readonly name: string };
  readonly spec: Record<string, unknown> & { readonly containers: readonly Record<string, unknown>[] };
  readonly status: Record<string, unknown>;
}

function leanPage(): Record<string, unknown> {
  const file = new URL("../fixtures/golden/cluster-ocp/pods.json", import.meta.url);
  const recorded = (JSON.parse(readFileSync(file, "utf8")) as { items: Pod[] }).items;
  const items = Array.from({ length: pods }, (_, i) => {
    const pod = recorded[i % recorded.length] as Pod;
    return { ...pod, metadata: { ...pod.metadata, name: `${pod.metadata.name.slice(0, -3)}${i + 100}` } };
  });
  return { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "50000" }, items };
}

function probe(path: string, periodSeconds: number): object {
  const httpGet = { path, port: 8080, scheme: "HTTP" };
  return {
    httpGet,
    initialDelaySeconds: 5,
    timeoutSeconds: 3,
    periodSeconds,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

const conditionTypes = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
const token = { serviceAccountToken: { expirationSeconds: 3607, path: "token" } };
const caBundle = { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } };
const namespaceFile = {
  downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] },
};

/** What admission, the scheduler and the kubelet add to every pod of a real cluster. */
function furnished(pod: Pod): Pod {
  const mounts = [
    { name: "config", mountPath: "/etc/app", readOnly: true },
    { name: "kube-api-access", readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
  ];
  return {
    metadata: { ...pod.metadata, annotations: { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" } },
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((container) => ({
        ...container,
        env: [
          { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
          { name: "LOG_LEVEL", value: "info" },
        ],
        volumeMounts: mounts,
        livenessProbe: probe("/healthz", 10),
        readinessProbe: probe("/readyz", 5),
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, runAsNonRoot: true },
      })),
      volumes: [
        { name: "config", configMap: { name: "app-config", defaultMode: 420 } },
        { name: "kube-api-access", projected: { sources: [token, caBundle, namespaceFile], defaultMode: 420 } },
      ],
      tolerations: ["not-ready", "unreachable"].map((reason) => ({
        key: `node.kubernetes.io/${reason}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
    },
    status: {
      ...pod.status,
      conditions: conditionTypes.map((type) => ({
        type,
        status: "True",
        lastProbeTime: null,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      })),
    },
  };
}

function measure(name: string, goal: number, page: Record<string, unknown>, format: ResponseBody["format"]): Measure {
  const json = Buffer.from(JSON.stringify(page));
  const protobuf = encodeBody(page);
  if (protobuf === undefined) throw new Error("a list of pods has a protobuf form");
  const body: ResponseBody = {
    bytes: format === "json" ? new Uint8Array(json) : protobuf,
    encoding: "identity",
    format,
  };
  console.log(`${name}: ${pods} pods, ${json.length} bytes as JSON, ${protobuf.length} as protobuf`);
  return {
    name,
    goal,
    unit: "page",
    unitsPerRound: pagesPerRound,
    reference() {
      for (let i = 0; i < pagesPerRound; i++) parseWhole(json);
    },
    subject() {
      for (let i = 0; i < pagesPerRound; i++) {
        const fold = foldPods({ body }, MAX_INFLATED_BYTES);
        if (fold.pods !== pods) throw new Error(`${fold.pods} pods folded`);
      }
    },
  };
}

export async function* measures(): AsyncIterable<Measure> {
  const lean = leanPage();
  const full = { ...lean, items: (lean["items"] as Pod[]).map(furnished) };
  yield measure("fold-json", 1.5, full, "json");
  yield measure("fold-protobuf-lean", 0.4, lean, "protobuf");
  yield measure("fold-protobuf", 0.15, full, "protobuf");
}
