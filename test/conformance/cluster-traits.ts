// What is known of a cluster, a node or an operator in a recording: which of the original's faults it meets. Told from what was applied and
// served, and from what the hub itself says is missing.
import { absent, type Mismatch } from "./compare.ts";
import { type Manifest, manifestOf, type Recording, type ServedObject } from "./recording.ts";

export const clusterTraits = [
  /** A cluster at all, and no registry of its name. */
  "of a cluster",
  /** The hub says that namespaces, or some nodes or pods, could not be had. */
  "incomplete",
  /** Its Secret holds a token with white space around it, or none but a kubeconfig. */
  "other credentials",
  /** Another connection has the same display name. */
  "shared display name",
  /** An agent is to push its data, or did. */
  "push",
  /** A node, or its pods, with quantities that the original's parser gets wrong. */
  "odd quantities",
  /** The cluster did not give a route of a console. */
  "without console route",
  /** The cluster gave a route of a console, and no ClusterVersion. */
  "console without ClusterVersion",
  /** An annotation that is too long, or repeats the object. */
  "annotation not kept",
  /** A registry of the same name writes the same log. */
  "shared log",
  /** An operator that no Subscription names in its namespace. */
  "without Subscription",
  /** An operator whose annotation or OperatorGroup says where it works. */
  "placed operator",
  /** A sum over operators of which some differ. */
  "other operators",
] as const;
export type ClusterTrait = (typeof clusterTraits)[number];

/** Status of a ClusterConnection as the hub left it. */
export type OwnStatus = (connection: string) => unknown;

const ofCluster =
  /^clusters?:(?:all\/)?([^:/]+)(?::|$)|^clusterconnections\/([^/]+)\/|^events:([^/]+)|^cluster-events\/[^/]+\/([^/]+)/;
const ofNode = /^cluster:[^:]+:node:([^/:]+)/;
const ofOperator = /^cluster:[^:]+:operators\/([^/]+)\/([^/]+)/;
const olm = "operators.coreos.com";
const routePath = "/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console";
const versionPath = "/apis/config.openshift.io/v1/clusterversions/version";
/** As the hub has them: characters of one annotation, and of all of a node's. */
const longest = 1_024;
const longestOfAll = 16 * 1_024;

export class ClusterTraits {
  readonly #recording: Recording;
  readonly #ownStatus: OwnStatus;
  readonly #differing = new Set<string>();

  constructor(recording: Recording, ownStatus: OwnStatus) {
    this.#recording = recording;
    this.#ownStatus = ownStatus;
  }

  /** Takes note that a difference has its reason. */
  explained({ path }: Mismatch): void {
    const [, cluster] = /^cluster:([^:]+):operators(?:\/|$)/.exec(path) ?? [];
    if (cluster !== undefined) this.#differing.add(cluster);
  }

  of({ path, original }: Mismatch): ReadonlySet<ClusterTrait> {
    const found = new Set<ClusterTrait>();
    const match = ofCluster.exec(path) ?? [];
    const cluster = match.slice(1).find((name) => name !== undefined);
    if (cluster === undefined) return found;
    const { manifests, keys } = this.#recording;
    const connection = manifestOf(manifests, "ClusterConnection", cluster);
    if (isIncomplete(this.#ownStatus(cluster))) found.add("incomplete");
    const isAgents = connection === undefined && Object.hasOwn(keys, `cluster:${cluster}:status`);
    if (isAgents || connection?.spec?.["collectionMode"] === "push") found.add("push");
    if (connection !== undefined && this.#hasOtherCredentials(connection)) found.add("other credentials");
    const poolKey = (one: Manifest): unknown => one.spec?.["displayName"] || one.metadata?.name;
    const others = manifests.filter((one) => one.kind === "ClusterConnection" && one !== connection);
    if (connection !== undefined && others.some((one) => poolKey(one) === poolKey(connection)))
      found.add("shared display name");
    if (this.#lacks(cluster, routePath, "route.openshift.io/v1", "Route")) found.add("without console route");
    else if (this.#lacks(cluster, versionPath, "config.openshift.io/v1", "ClusterVersion"))
      found.add("console without ClusterVersion");
    const isRegistry = Object.hasOwn(keys, `registry:${cluster}:spec`);
    if (connection !== undefined) found.add(isRegistry ? "shared log" : "of a cluster");
    const [, node] = ofNode.exec(path) ?? [];
    if (this.#isOdd(cluster, node)) found.add("odd quantities");
    if (typeof original === "string" && (original.length > longest || path.endsWith("last-applied-configuration")))
      found.add("annotation not kept");
    if (node !== undefined && this.#annotationsOf(cluster, node) > longestOfAll) found.add("annotation not kept");
    if (this.#differing.has(cluster)) found.add("other operators");
    const [, namespace = "", name = ""] = ofOperator.exec(path) ?? [];
    if (name !== "") this.#addOperator(cluster, namespace, name, original, found);
    return found;
  }

  #hasOtherCredentials({ spec }: Manifest): boolean {
    const name = (spec?.["credentialsRef"] as { name?: string } | undefined)?.name ?? "";
    const secret = manifestOf(this.#recording.manifests, "Secret", name);
    if (secret === undefined) return false;
    const { token } = secret.data ?? {};
    const text = secret.stringData?.["token"] ?? (token === undefined ? "" : Buffer.from(token, "base64").toString());
    return text.trim() !== text || (text === "" && "kubeconfig" in { ...secret.data, ...secret.stringData });
  }

  #served(cluster: string, apiVersion: string, kind: string): readonly ServedObject[] {
    return this.#recording.served(cluster, apiVersion, kind) ?? [];
  }

  /** Whether the cluster refused, or did not have, what the original asks for by name. */
  #lacks(cluster: string, path: string, apiVersion: string, kind: string): boolean {
    const isRefused = this.#recording.overrides(cluster).some(({ match }) => new RegExp(match).test(path));
    const name = path.slice(path.lastIndexOf("/") + 1);
    return isRefused || !this.#served(cluster, apiVersion, kind).some(({ metadata }) => metadata?.name === name);
  }

  /** @param node undefined: any of them */
  #isOdd(cluster: string, node: string | undefined): boolean {
    const nodes = this.#served(cluster, "v1", "Node").filter(
      (one) => node === undefined || one.metadata?.name === node,
    );
    const pods = this.#served(cluster, "v1", "Pod").filter(({ spec }) => {
      return node === undefined || (spec as { nodeName?: string } | undefined)?.nodeName === node;
    });
    return (
      nodes.some(({ status }) => {
        const { capacity, allocatable } = (status ?? {}) as Record<string, Resources | undefined>;
        return hasOdd(capacity) || hasOdd(allocatable);
      }) ||
      pods.some(({ spec }) => {
        const { containers = [] } = (spec ?? {}) as { containers?: { resources?: { requests?: Resources } }[] };
        return containers.some(({ resources }) => hasOdd(resources?.requests));
      })
    );
  }

  #annotationsOf(cluster: string, node: string): number {
    const found = this.#served(cluster, "v1", "Node").find(({ metadata }) => metadata?.name === node);
    return JSON.stringify((found?.metadata as { annotations?: object } | undefined)?.annotations ?? {}).length;
  }

  #addOperator(cluster: string, namespace: string, name: string, original: unknown, found: Set<ClusterTrait>): void {
    const inNamespace = ({ metadata }: ServedObject): boolean => metadata?.namespace === namespace;
    const subscriptions = this.#served(cluster, `${olm}/v1alpha1`, "Subscription").filter(inNamespace);
    const isNamed = subscriptions.some(
      ({ status }) => (status as { installedCSV?: string } | undefined)?.installedCSV === name,
    );
    if (original === absent && (!isNamed || this.#isRefused(cluster, namespace, name)))
      found.add("without Subscription");
    const csv = this.#served(cluster, `${olm}/v1alpha1`, "ClusterServiceVersion").find((one) => {
      return inNamespace(one) && one.metadata?.name === name;
    });
    const { annotations } = (csv?.metadata ?? {}) as { annotations?: Readonly<Record<string, string>> };
    const hasGroup = this.#served(cluster, `${olm}/v1`, "OperatorGroup").some(inNamespace);
    if (hasGroup || annotations?.["olm.targetNamespaces"] !== undefined) found.add("placed operator");
  }

  /** The original asks for each by itself. */
  #isRefused(cluster: string, namespace: string, name: string): boolean {
    const path = `/apis/${olm}/v1alpha1/namespaces/${namespace}/clusterserviceversions/${name}`;
    return this.#recording.overrides(cluster).some(({ match }) => new RegExp(match).test(path));
  }
}

type Resources = Readonly<Record<string, unknown>>;

const units: Readonly<Record<string, number>> = {
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi"].map((unit, i) => [unit, 1024 ** (i + 1)])),
  ...Object.fromEntries(["M", "G", "T", "P"].map((unit, i) => [unit, 1000 ** (i + 2)])),
};

/**
 * Small letters, exabytes and exponents behind sizes, sizes that are no whole number, any suffix but milli behind cores: the original's
 * parser does not know them.
 */
function hasOdd(resources: Resources | undefined): boolean {
  return Object.entries(resources ?? {}).some(([name, value]) => {
    const [, digits = "", suffix = ""] = /^([+-]?[\d.]*)(.*)$/.exec(String(value)) ?? [];
    if (name === "cpu") return !/^(?:[mnu]|[eE][+-]?\d+)?$/.test(suffix);
    return !Number.isInteger(Number(digits) * (suffix === "" ? 1 : (units[suffix] ?? Number.NaN)));
  });
}

function isIncomplete(status: unknown): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; reason: string; message: string }[] };
  return conditions.some(({ type, reason, message }) => {
    return type === "Synced" && reason === "Incomplete" && /(?:^|; )(?:namespaces|nodes|pods): /.test(message);
  });
}
