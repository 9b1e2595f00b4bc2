// What `kubectl apply` without --server-side left on an object: who applies with kubectl afterwards may take over the fields that still
// are as they were applied.
import { difference } from "./field-set.ts";
import { type ManagedFieldsEntry, ownable } from "./managed-fields.ts";
import type { KubeObject } from "./object.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { changesBetween, fieldsOf } from "./structured-merge.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Whether a field, by its path, may be taken from its owner. */
export function lastAppliedFields(
  live: KubeObject | undefined,
  schema: StructuralSchema,
): (path: string, owner: ManagedFieldsEntry) => boolean {
  const applied = parsed(live?.metadata.annotations?.[annotation]);
  if (applied === undefined) return () => false;
  const { changed, removed } = changesBetween(ownable(applied), ownable(live), schema);
  const still = difference(fieldsOf(ownable(applied), schema), changed, removed);
  return (path) => still.has(path);
}

function parsed(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
