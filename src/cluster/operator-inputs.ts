// The two lists of the Operator Lifecycle Manager that say how an operator came and where it works: Subscriptions and OperatorGroups.
// Pure. What cannot be read is left out: both only complete what the ClusterServiceVersions say.
import { asArray, asObject, isName, type JsonObject, jsonListShape, nameOf, readList, shortText } from "./body.ts";
import type { ComputeTasks, OperatorGroup, OperatorGroupPage, Subscription, SubscriptionPage } from "./ports.ts";

const MAX_TEXT = 256;

const subscriptionList = jsonListShape("SubscriptionList");
const operatorGroupList = jsonListShape("OperatorGroupList");

/** Reads one page of Subscriptions. One that has installed nothing yet is left out. */
export function readSubscriptions(
  input: ComputeTasks["readSubscriptions"]["input"],
  maxInflatedBytes: number,
): SubscriptionPage {
  const page = readList(input.body, maxInflatedBytes, subscriptionList);
  const subscriptions = page.items.flatMap((item): Subscription | [] => {
    const { namespace, name, object } = identified(item);
    const installedCsv = asObject(object["status"])?.["installedCSV"];
    if (namespace === undefined || name === undefined || !isName(installedCsv)) return [];
    const spec = asObject(object["spec"]) ?? {};
    const channel = shortText(spec["channel"], MAX_TEXT);
    return { namespace, name, installedCsv, channel, approval: shortText(spec["installPlanApproval"], MAX_TEXT) };
  });
  return { continueToken: page.continueToken, subscriptions };
}

/** Reads one page of OperatorGroups. */
export function readOperatorGroups(
  input: ComputeTasks["readOperatorGroups"]["input"],
  maxInflatedBytes: number,
): OperatorGroupPage {
  const page = readList(input.body, maxInflatedBytes, operatorGroupList);
  const groups = page.items.flatMap((item): OperatorGroup | [] => {
    const { namespace, name, object } = identified(item);
    return namespace === undefined || name === undefined ? [] : { namespace, name, targets: targetsOf(object) };
  });
  return { continueToken: page.continueToken, groups };
}

function identified(item: unknown) {
  const object = asObject(item) ?? {};
  const namespace = asObject(object["metadata"])?.["namespace"];
  return { namespace: isName(namespace) ? namespace : undefined, name: nameOf(item), object };
}

/**
 * `status.namespaces` is what the group selects in fact; an empty name there stands for all namespaces. Before the status is there the
 * spec says as much, unless it selects by label: naming no namespace means all.
 */
function targetsOf(group: JsonObject): string[] | null {
  const selected = asArray(asObject(group["status"])?.["namespaces"]);
  if (selected.includes("")) return ["*"];
  if (selected.length > 0) return names(selected);
  const spec = asObject(group["spec"]) ?? {};
  const wanted = names(asArray(spec["targetNamespaces"]));
  if (wanted.length > 0) return wanted;
  return asObject(spec["selector"]) === undefined ? ["*"] : null;
}

function names(values: readonly unknown[]): string[] {
  return [...new Set(values.filter(isName))];
}
