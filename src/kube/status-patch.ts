// Writes the status of one object of the hub's API, as a JSON merge patch (RFC 7386) on its status subresource.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { readObject } from "./object.ts";
import type { KubeTransport } from "./transport.ts";

const maxAnswerBytes = 4 << 20;

/**
 * Merges `status` into the object whose status subresource is at `path` and returns the object as it is afterwards. Members
 * that are null are removed, arrays replaced. With `resourceVersion` the server refuses if the object has changed since, with
 * `uid` if it is another object of the same name.
 * Throws KubeError, among them NOT_FOUND (the object is gone) and CONFLICT (it has changed).
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
  return readObject(body);
}
