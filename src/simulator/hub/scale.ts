// The scale of an object: how many replicas it wants and has, as a small object of its own that is read and written beside it.
import type { ResourceType, ScalePaths } from "../http/catalog.ts";
import { findAll, parseJsonPath } from "../http/json-path.ts";
import { apiErrors } from "../http/status.ts";
import type { KubeObject } from "./object.ts";

/** The Scale of the object. */
export function scaleOf(paths: ScalePaths, { metadata, ...rest }: KubeObject): Record<string, unknown> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const replicas = numberAt(rest, paths.specReplicasPath);
  const selector = selectorOf(paths, rest);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined ? {} : { replicas },
    status: {
      replicas: numberAt(rest, paths.statusReplicasPath) ?? 0,
      ...(selector === "" ? {} : { selector }),
    },
  };
}

/** The object with as many replicas as the scale wants. Throws ApiError 400 or 422. */
export function scaled(type: ResourceType, paths: ScalePaths, object: KubeObject, scale: unknown): unknown {
  const { kind, metadata, spec } = (scale ?? {}) as {
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
    readonly spec?: { readonly replicas?: unknown };
  };
  if (kind !== undefined && kind !== "Scale") {
    throw apiErrors.badRequest(`the kind in the data (${kind}) does not match the expected kind (Scale)`);
  }
  const { name } = object.metadata;
  if (metadata?.name !== undefined && metadata.name !== name) {
    throw apiErrors.badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  const replicas = spec?.replicas ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: should be a non-negative integer`;
    throw apiErrors.invalid(type, name, "spec.replicas", message);
  }
  const { resourceVersion } = metadata ?? {};
  const precondition = resourceVersion ? { resourceVersion } : {};
  const content = withMember(object, paths.specReplicasPath.split(".").slice(1), replicas) as KubeObject;
  return { ...content, metadata: { ...content.metadata, ...precondition } };
}

function numberAt(object: unknown, path: string): number | undefined {
  const [found] = findAll(object, parseJsonPath(path) ?? []);
  return typeof found === "number" ? found : undefined;
}

function selectorOf({ labelSelectorPath }: ScalePaths, object: object): string {
  if (labelSelectorPath !== undefined) {
    const [found] = labelSelectorPath === "" ? [] : findAll(object, parseJsonPath(labelSelectorPath) ?? []);
    return typeof found === "string" ? found : "";
  }
  const { selector = {} } = (object as { readonly spec?: { readonly selector?: object } }).spec ?? {};
  const { matchLabels = selector } = selector as { readonly matchLabels?: object };
  return Object.entries(matchLabels)
    .filter(([, value]) => typeof value === "string")
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}

function withMember(value: unknown, [name, ...rest]: readonly string[], member: unknown): unknown {
  if (name === undefined) return member;
  const members = (value ?? {}) as Record<string, unknown>;
  return { ...members, [name]: withMember(members[name], rest, member) };
}
