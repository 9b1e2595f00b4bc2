// The fields that selectors may name, per kind, as a real server supports them.
import type { ResourceType } from "../http/catalog.ts";
import type { KubeObject } from "./object.ts";

const everywhere = ["metadata.name", "metadata.namespace"];
const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

const more: Readonly<Record<string, readonly string[]>> = {
  "/events": [
    ...involved.map((member) => `involvedObject.${member}`),
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "/namespaces": ["status.phase"],
  "/nodes": ["spec.unschedulable"],
  "/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  "/secrets": ["type"],
  "batch/jobs": ["status.successful"],
};

export const supportedFields = (type: ResourceType): readonly string[] => [
  ...everywhere,
  ...(more[`${type.group}/${type.resource}`] ?? []),
  ...(type.selectableFields ?? []),
];

/** Reads a field of the object as text; "" where it is not set. */
export const fieldReader =
  (object: KubeObject) =>
  (field: string): string => {
    let at: unknown = object;
    for (const step of field.split(".")) at = (at as Record<string, unknown> | null | undefined)?.[step];
    return at === undefined || at === null ? "" : String(at);
  };
