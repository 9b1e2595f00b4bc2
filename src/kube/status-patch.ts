// Writes the status of one object of the hub's API, as a JSON merge patch (RFC 7386) on its status subresource.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { KubeError } from "./errors.ts";
import { readObject } from "./object.ts";
import type { KubeTransport } from "./transport.ts";

const maxAnswerBytes = 4 << 20;

/**
 * Merges `status` into the object whose status subresource is at `path` and returns the object as it is afterwards. Members
 * that are null are removed, arrays replaced. With `resourceVersion` the server refuses if the object has changed since. With `uid` the
 * object must be that one; a server takes it for a precondition on built-in kinds only, so for others the answer tells: what was then
 * written to an object of the same name stays until that object's own status is.
 * Throws KubeError, among them NOT_FOUND (the object is gone, or another) and CONFLICT (it has changed).
 */
export async function patchStatus(
  transport: Pick<KubeTransport, "requestJson">,
  path: string,
  status: Readonly<Record<string, unknown>>,
  options: { readonly signal: AbortSignal; readonly resourceVersion?: string; readonly uid?: string },
): Promise<KubeObject> {
  const { signal, ...precondition } = options;
  const { body } = await transport.requestJson("PATCH", path, {
    body: { ...(Object.keys(precondition).length > 0 && { metadata: precondition }), status },
    contentType: "application/merge-patch+json",
    signal,
    maxBytes: maxAnswerBytes,
  });
  const object = readObject(body);
  if (options.uid !== undefined && object.metadata.uid !== options.uid)
    throw new KubeError("NOT_FOUND", "there is another object of this name");
  return object;
}
