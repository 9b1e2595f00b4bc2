// What makes a value from the wire an object that can be cached: a name and a resourceVersion. Nothing else is trusted.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { KubeError } from "./errors.ts";

/**
 * `value` as an object, without its managedFields, and without anything but its metadata where `metadataOnly` says so,
 * whatever the server sent. Throws BODY_MALFORMED when it has no usable name, namespace or resourceVersion.
 */
export function readObject<T extends KubeObject>(value: unknown, metadataOnly = false): T {
  const { metadata } = (value ?? {}) as { metadata?: unknown };
  const { managedFields: _, ...kept } = (metadata ?? {}) as Record<string, unknown>;
  const { name, namespace, resourceVersion } = kept;
  const namespaced = namespace === undefined || namespace === "" || isShortText(namespace);
  if (!isShortText(name) || name.includes("/") || !isShortText(resourceVersion) || !namespaced) {
    throw new KubeError("BODY_MALFORMED", "the answer holds an object without a usable name or resourceVersion");
  }
  return (metadataOnly ? { metadata: kept } : { ...(value as object), metadata: kept }) as unknown as T;
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 253;
}

const decimal = /^(?:0|[1-9]\d{0,19})$/;

/**
 * Negative, zero or positive as `a` is older than, equal to or newer than `b`; undefined where they cannot be compared.
 * Versions are compared as decimal numbers, as API servers write them; any other text is opaque.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!decimal.test(a) || !decimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
