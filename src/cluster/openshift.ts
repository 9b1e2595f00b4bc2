// What OpenShift says of itself: ClusterVersion and the route of its console. Pure. Member names are those of the stored info.
import { asArray, asObject, bodyMalformed, type JsonObject, objectsIn, readObject, shortText } from "./body.ts";
import type { ComputeTasks, ConsoleRoute, OpenShiftInfo } from "./ports.ts";

/** Versions, channels and digests are far shorter; a longer one is cut. */
const MAX_TEXT = 512;
const MAX_MESSAGE = 4_096;
const MAX_CONDITIONS = 64;

/** Reads ClusterVersion. The newest entry of its history is the first. */
export function readClusterVersion(
  input: ComputeTasks["readClusterVersion"]["input"],
  maxInflatedBytes: number,
): OpenShiftInfo {
  const object = readObject(input.body, maxInflatedBytes);
  if (object["kind"] !== "ClusterVersion") throw bodyMalformed("a ClusterVersion");
  const spec = asObject(object["spec"]) ?? {};
  const status = asObject(object["status"]);
  const desired = asObject(status?.["desired"]) ?? {};
  const newest = asObject(asArray(status?.["history"])[0]) ?? {};
  const updates = asArray(status?.["availableUpdates"]);
  const conditions = objectsIn(status?.["conditions"]).slice(0, MAX_CONDITIONS);
  const holds = (type: string): boolean =>
    conditions.some((condition) => condition["type"] === type && condition["status"] === "True");
  return {
    ...text("version", desired["version"]),
    ...text("channel", spec["channel"]),
    ...text("cluster_id", spec["clusterID"]),
    ...text("image", desired["image"]),
    ...(status === undefined ? {} : { update_available: updates.length > 0 }),
    ...text("available_update_version", asObject(updates[0])?.["version"]),
    ...text("version_state", newest["state"]),
    ...text("version_started_time", newest["startedTime"]),
    ...text("version_completion_time", newest["completionTime"]),
    ...(Array.isArray(status?.["conditions"]) ? { conditions: conditions.map(conditionOf) } : {}),
    ...(holds("Available") ? { is_available: true } : {}),
    ...(holds("Progressing") ? { is_progressing: true } : {}),
    ...(holds("Degraded") ? { is_degraded: true } : {}),
  };
}

function text<Name extends keyof OpenShiftInfo>(name: Name, value: unknown): Partial<Record<Name, string>> {
  return typeof value === "string" ? ({ [name]: shortText(value, MAX_TEXT) } as Record<Name, string>) : {};
}

function conditionOf(condition: JsonObject): Record<"type" | "status" | "message" | "reason", string | null> {
  const member = (name: string, maxLength: number): string | null =>
    typeof condition[name] === "string" ? shortText(condition[name], maxLength) : null;
  return {
    type: member("type", MAX_TEXT),
    status: member("status", MAX_TEXT),
    message: member("message", MAX_MESSAGE),
    reason: member("reason", MAX_TEXT),
  };
}

// Readers follow this as a link, so nothing but a host may come out of it.
const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/** Reads the console's Route: https where it has TLS of any kind. */
export function readConsoleRoute(
  input: ComputeTasks["readConsoleRoute"]["input"],
  maxInflatedBytes: number,
): ConsoleRoute {
  const object = readObject(input.body, maxInflatedBytes);
  if (object["kind"] !== "Route") throw bodyMalformed("a Route");
  const spec = asObject(object["spec"]) ?? {};
  const host = spec["host"];
  if (typeof host !== "string" || !hostPattern.test(host)) return { url: null };
  return { url: `${"tls" in spec ? "https" : "http"}://${host}` };
}

/**
 * Where an OpenShift console is by convention, told from the API server's URL: api.<domain> has console-openshift-console.apps.<domain>.
 * Undefined when the API server's name does not follow the convention.
 */
export function conventionalConsoleUrl(endpoint: string): string | undefined {
  const host = URL.parse(endpoint)?.hostname;
  if (host === undefined || !host.startsWith("api.") || !hostPattern.test(host)) return undefined;
  return `https://console-openshift-console.apps.${host.slice("api.".length)}`;
}
