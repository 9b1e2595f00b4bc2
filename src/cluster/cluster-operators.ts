// OpenShift's ClusterOperators to the values that are stored for them. Pure. Member names are those of the stored list.
import { asObject, asText, type JsonObject, jsonListShape, nameOf, objectsIn, readList } from "./body.ts";
import type { ClusterOperatorPage, ClusterOperatorRow, ComputeTasks } from "./ports.ts";
import { utcSeconds, ZERO_TIME } from "./times.ts";

/** A ClusterOperator whose stored text is longer is skipped: real ones are a few kilobytes. */
export const MAX_OPERATOR_LENGTH = 256 * 1024;

const clusterOperatorList = jsonListShape("ClusterOperatorList");

/** Reads one page of the list. */
export function readClusterOperators(
  input: ComputeTasks["readClusterOperators"]["input"],
  maxInflatedBytes: number,
): ClusterOperatorPage {
  const page = readList(input.body, maxInflatedBytes, clusterOperatorList);
  const operators = page.items.flatMap((item) => {
    const name = nameOf(item);
    const row = name === undefined ? undefined : rowOf(name, asObject(asObject(item)?.["status"]) ?? {});
    return row !== undefined && row.text.length <= MAX_OPERATOR_LENGTH ? row : [];
  });
  return { continueToken: page.continueToken, skipped: page.items.length - operators.length, operators };
}

function rowOf(name: string, status: JsonObject): ClusterOperatorRow {
  const conditions = objectsIn(status["conditions"]).map((condition) => ({
    type: asText(condition["type"]),
    status: asText(condition["status"]),
    last_transition_time: utcSeconds(condition["lastTransitionTime"]) ?? ZERO_TIME,
    reason: asText(condition["reason"]),
    message: asText(condition["message"]),
  }));
  const versions = objectsIn(status["versions"]).map((version) => ({
    name: asText(version["name"]),
    version: asText(version["version"]),
  }));
  const own = versions.findLast((version) => version.name === "operator" || version.name === name) ?? versions[0];
  const { available, progressing, degraded, upgradeable, message, reason } = stateOf(conditions);
  const version = own?.version ?? "";
  const value = {
    name,
    version,
    available,
    progressing,
    degraded,
    upgradeable,
    message,
    reason,
    // Times of one format and zone sort as text.
    last_transition_time: conditions.reduce(
      (latest, { last_transition_time: time }) => (time > latest ? time : latest),
      ZERO_TIME,
    ),
    conditions,
    versions,
    related_objects: objectsIn(status["relatedObjects"]).map((related) => ({
      group: asText(related["group"]),
      resource: asText(related["resource"]),
      namespace: asText(related["namespace"]),
      name: asText(related["name"]),
    })),
  };
  return { name, available, progressing, degraded, upgradeable, version, message, text: JSON.stringify(value) };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** In the order of the conditions: being unavailable or degraded takes the message over, progress only fills an empty one. */
function stateOf(conditions: readonly Condition[]) {
  const state = { available: false, progressing: false, degraded: false, upgradeable: false, message: "", reason: "" };
  for (const { type, status, reason, message } of conditions) {
    const holds = status === "True";
    switch (type) {
      case "Available":
        state.available = holds;
        if (!holds && message !== "") Object.assign(state, { message, reason });
        break;
      case "Progressing":
        state.progressing = holds;
        if (holds && state.message === "") state.message = message;
        break;
      case "Degraded":
        state.degraded = holds;
        if (holds && message !== "") Object.assign(state, { message, reason });
        break;
      case "Upgradeable":
        state.upgradeable = holds;
    }
  }
  return state;
}
