// Operators that the Operator Lifecycle Manager installed, to the values that are stored for them. Pure. The ClusterServiceVersions are
// what there is; OperatorGroups say where an operator works, Subscriptions how it came. Member names are those of the stored list.
import {
  asArray,
  asObject,
  asText,
  isName,
  type JsonObject,
  jsonListShape,
  nameOf,
  readList,
  shortText,
} from "./body.ts";
import { MAX_OPERATOR_LENGTH } from "./cluster-operators.ts";
import type { ComputeTasks, OperatorGroup, OperatorPage, OperatorRow, Subscription } from "./ports.ts";
import { utcSeconds, ZERO_TIME } from "./times.ts";

/** Of longer lists of namespaces readers get this many, and the whole list under another name. */
const NAMESPACES_SHOWN = 20;
const MAX_TEXT = 1_024;
/** There are four. */
const MAX_INSTALL_MODES = 16;
const ALL = "*";

const csvList = jsonListShape("ClusterServiceVersionList");

/** Reads one page of ClusterServiceVersions. Copies, which a cluster-wide operator has in every namespace, are passed over. */
export function readOperators(
  { body, subscriptions, groups }: ComputeTasks["readOperators"]["input"],
  maxInflatedBytes: number,
): OperatorPage {
  const page = readList(body, maxInflatedBytes, csvList);
  const operators: OperatorRow[] = [];
  let copies = 0;
  for (const item of page.items) {
    const metadata = asObject(asObject(item)?.["metadata"]) ?? {};
    if (asObject(metadata["labels"])?.["olm.copiedFrom"] !== undefined) {
      copies++;
      continue;
    }
    const row = rowOf(asObject(item) ?? {}, subscriptions, groups);
    if (row !== undefined && row.text.length <= MAX_OPERATOR_LENGTH) operators.push(row);
  }
  return { continueToken: page.continueToken, skipped: page.items.length - copies - operators.length, operators };
}

function rowOf(
  csv: JsonObject,
  subscriptions: readonly Subscription[] | null,
  groups: readonly OperatorGroup[],
): OperatorRow | undefined {
  const name = nameOf(csv);
  const metadata = asObject(csv["metadata"]) ?? {};
  const { namespace } = metadata;
  const spec = asObject(csv["spec"]);
  if (name === undefined || !isName(namespace) || spec === undefined) return undefined;
  const csvStatus = asObject(csv["status"]);
  const status = csvStatus === undefined ? "" : shortText(csvStatus["phase"] ?? "Unknown", MAX_TEXT);
  const modes = asArray(spec["installModes"])
    .slice(0, MAX_INSTALL_MODES)
    .flatMap((mode) => (asObject(mode)?.["supported"] === true ? shortText(asObject(mode)?.["type"], MAX_TEXT) : []));
  const annotations = asObject(metadata["annotations"]) ?? {};
  const reach = reachOf(namespace, { modes, hasModes: Array.isArray(spec["installModes"]), annotations, groups });
  const clusterWide = reach.namespaces[0] === ALL;
  const created = utcSeconds(metadata["creationTimestamp"]) ?? ZERO_TIME;
  const { namespaces } = reach;
  const isCut = namespaces.length > NAMESPACES_SHOWN;
  const value = {
    name,
    display_name: textOr(spec["displayName"], name),
    version: textOr(spec["version"], "unknown"),
    status,
    namespace,
    installed_namespace: namespace,
    install_modes: modes,
    install_mode: reach.mode,
    provider: shortText(asObject(spec["provider"])?.["name"], MAX_TEXT),
    created_at: created,
    updated_at: utcSeconds(csvStatus?.["lastUpdateTime"]) ?? created,
    is_cluster_wide: clusterWide,
    available_in_namespaces: isCut ? namespaces.slice(0, NAMESPACES_SHOWN) : namespaces,
    available_count: namespaces.length,
    available_namespaces_detail: clusterWide
      ? "All namespaces"
      : isCut
        ? `${namespaces.length} namespaces (showing first ${NAMESPACES_SHOWN})`
        : namespaces.join(", "),
    ...(isCut ? { all_available_namespaces: namespaces } : {}),
    ...(subscriptions === null ? {} : { subscription: subscriptionOf(namespace, name, subscriptions) }),
  };
  return { name, namespace, status, clusterWide, text: JSON.stringify(value) };
}

interface ReachInput {
  /** The supported install modes, and whether the operator declares any at all. */
  readonly modes: readonly string[];
  readonly hasModes: boolean;
  readonly annotations: JsonObject;
  readonly groups: readonly OperatorGroup[];
}

/**
 * Where the operator works, and the install mode of that. Its namespace's OperatorGroup decides. Without one, or when it does not say, the
 * operator's own annotation does, and then what it supports; nothing finer than single or all is claimed from those.
 */
function reachOf(namespace: string, input: ReachInput): { namespaces: readonly string[]; mode: string } {
  const targets = groupOf(namespace, input)?.targets ?? null;
  if (targets !== null) return { namespaces: targets, mode: modeOf(namespace, targets) };
  const annotated = annotatedNamespaces(input.annotations["olm.targetNamespaces"]);
  if (annotated.length === 0 && input.modes.includes("AllNamespaces"))
    return { namespaces: [ALL], mode: "AllNamespaces" };
  const namespaces = annotated.length === 0 ? [namespace] : annotated;
  return { namespaces, mode: input.hasModes ? "SingleNamespace" : "" };
}

/** A namespace is to have one group. Of several the operator's annotation names its own. */
function groupOf(namespace: string, { groups, annotations }: ReachInput): OperatorGroup | undefined {
  const own = groups.filter((group) => group.namespace === namespace);
  return own.length === 1 ? own[0] : own.find((group) => group.name === annotations["olm.operatorGroup"]);
}

function modeOf(namespace: string, targets: readonly string[]): string {
  if (targets[0] === ALL) return "AllNamespaces";
  if (targets.length > 1) return "MultiNamespace";
  return targets[0] === namespace ? "OwnNamespace" : "SingleNamespace";
}

/** Names between commas, each without blanks and quotes around it. */
function annotatedNamespaces(value: unknown): string[] {
  const names = asText(value)
    .split(",")
    .filter((part) => part.length <= MAX_TEXT)
    .map((part) => part.replace(/^[\s'"`]+|[\s'"`]+$/g, ""))
    .filter(isName);
  return [...new Set(names)];
}

/** How the operator came and gets its updates; null when no Subscription did it. Of several the first by name, whatever their order. */
function subscriptionOf(namespace: string, csv: string, subscriptions: readonly Subscription[]) {
  const [first] = subscriptions
    .filter((subscription) => subscription.namespace === namespace && subscription.installedCsv === csv)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return first === undefined ? null : { name: first.name, channel: first.channel, approval: first.approval };
}

/** The text, also when it is empty; only what is no text is replaced. */
function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? shortText(value, MAX_TEXT) : otherwise;
}
