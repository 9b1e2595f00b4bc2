// A step of the script that both servers are taken through.
import type { Request } from "./api.ts";

export interface Step {
  /** Unique in the script. */
  readonly title: string;
  /** What is sent; made of the same server's earlier answers where it needs one. */
  readonly request: Request | ((bodyOf: (title: string) => KubernetesBody) => Request);
  /** What is compared of the body; all of it unless told. */
  readonly picks?: (body: unknown) => unknown;
  /** Sent again until this holds. */
  readonly until?: (body: KubernetesBody) => boolean;
}

/** As much of an answer as steps read. */
export interface KubernetesBody {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly uid: string;
    readonly continue: string;
    readonly [member: string]: unknown;
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  readonly [member: string]: unknown;
}

export const namespace = "oracle";
/** Where our own clients work, alone. */
export const clientNamespace = "oracle-clients";
export const merge = "application/merge-patch+json";
export const json = "application/json-patch+json";
export const strategic = "application/strategic-merge-patch+json";
export const apply = "application/apply-patch+yaml";

export const get = (path: string, accept?: string): Request => ({
  method: "GET",
  path,
  ...(accept === undefined ? {} : { accept }),
});
export const post = (path: string, body: unknown): Request => ({ method: "POST", path, body });
export const put = (path: string, body: unknown): Request => ({ method: "PUT", path, body });
export const patch = (path: string, body: unknown, contentType: string = merge): Request => ({
  method: "PATCH",
  path,
  body,
  contentType,
});
export const remove = (path: string, body?: unknown): Request => ({
  method: "DELETE",
  path,
  ...(body === undefined ? {} : { body }),
});

export const widgets = `/apis/oracle.test/v1/namespaces/${namespace}/widgets`;
export const gears = "/apis/oracle.test/v1/gears";

/** A widget that the definition accepts. */
export const widget = (name: string, spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}) => ({
  apiVersion: "oracle.test/v1",
  kind: "Widget",
  metadata: { name, ...metadata },
  spec: { size: 3, ...spec },
});
