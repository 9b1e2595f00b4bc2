// A change of an object that no stage knows, as a client would write it: from then on the object is what was written, churn leaves it alone
// and the truth about the cluster does not know of it.
import { administrator } from "../http/callers.ts";
import { type ChurnedKind, resourceOf } from "../world/variants.ts";
import type { World } from "../world/world.ts";

/** Members of a merge patch (RFC 7396). */
export type Patch = Readonly<Record<string, unknown>>;

/** False: there is no such object, or the API refuses the change. A patch of the status and of the rest are two writes. */
export function patchObject(world: World, kind: ChurnedKind, namespace: string, name: string, patch: Patch): boolean {
  const engine = world.touch();
  const { group, resource } = resourceOf(kind);
  const type = engine.catalog.types.find((one) => one.resource === resource && one.group === group);
  if (type === undefined) return false;
  const { status, ...rest } = patch;
  const writes = [
    ...(Object.keys(rest).length > 0 ? [{ subresource: "", body: rest }] : []),
    ...(status === undefined ? [] : [{ subresource: "status", body: { status } }]),
  ];
  try {
    for (const write of writes) {
      engine.answer({
        ...{ type, verb: "patch", namespace, name, ...write },
        ...{ query: new URLSearchParams(), form: "full", contentType: "application/merge-patch+json" },
        ...{ userAgent: "trace", caller: administrator },
      });
    }
    return writes.length > 0;
  } catch {
    // Whatever a client would be answered: a trace goes on.
    return false;
  }
}
