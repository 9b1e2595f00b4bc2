// Failures of the Kubernetes API as every client expects them: a Status object with the code, reason and details of a real server.
import { ClusterPulseError } from "../../support/errors.ts";

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Thrown anywhere in the request pipeline; becomes the answer's status and body. */
export class ApiError extends ClusterPulseError {
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails;
  readonly metadata: { readonly continue?: string };

  constructor(
    status: number,
    reason: string,
    message: string,
    details: StatusDetails = {},
    metadata: { readonly continue?: string } = {},
  ) {
    super("SIMULATED_API_ERROR", message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  /** The body of the answer, and of a watch's ERROR event. */
  toStatus(): Record<string, unknown> {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.metadata,
      status: "Failure",
      message: this.message,
      ...(this.reason === "" ? {} : { reason: this.reason }),
      // Only where something was looked for there are details that say nothing.
      ...(this.status !== 404 && this.status !== 422 && Object.keys(this.details).length === 0
        ? {}
        : { details: this.details }),
      code: this.status,
    };
  }
}

/** How a resource is called in messages: `pods`, `deployments.apps`. */
export function qualifiedName(type: { readonly group: string; readonly resource: string }): string {
  return type.group === "" ? type.resource : `${type.resource}.${type.group}`;
}

const detailsOf = (type: { group: string; resource: string }, name: string): StatusDetails => ({
  name,
  ...(type.group === "" ? {} : { group: type.group }),
  kind: type.resource,
});

type Named = { readonly group: string; readonly resource: string };

/** What is wrong with a field, by how the message begins. */
function reasonOf(message: string): string {
  if (message.startsWith("Required")) return "FieldValueRequired";
  return message.startsWith("Forbidden") ? "FieldValueForbidden" : "FieldValueInvalid";
}

/** The failures that more than one module answers with. */
export const apiErrors = {
  badRequest: (message: string): ApiError => new ApiError(400, "BadRequest", message),
  unauthorized: (): ApiError => new ApiError(401, "Unauthorized", "Unauthorized"),
  /** No such path, group, version or resource. */
  unknownPath: (): ApiError => new ApiError(404, "NotFound", "the server could not find the requested resource"),
  notFound: (type: Named, name: string): ApiError =>
    new ApiError(404, "NotFound", `${qualifiedName(type)} "${name}" not found`, detailsOf(type, name)),
  methodNotAllowed: (): ApiError =>
    new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
  terminating: (type: Named, name: string, namespace: string): ApiError =>
    new ApiError(
      403,
      "Forbidden",
      `${qualifiedName(type)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      {
        ...detailsOf(type, name),
        causes: [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ],
      },
    ),
  alreadyExists: (type: Named, name: string): ApiError =>
    new ApiError(409, "AlreadyExists", `${qualifiedName(type)} "${name}" already exists`, detailsOf(type, name)),
  conflict: (type: Named, name: string, why: string): ApiError =>
    new ApiError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${qualifiedName(type)} "${name}": ${why}`,
      detailsOf(type, name),
    ),
  expired: (message: string): ApiError => new ApiError(410, "Expired", message),
  invalid: (type: Named & { readonly kind: string }, name: string, field: string, message: string): ApiError =>
    apiErrors.invalidFields(type, name, [{ reason: reasonOf(message), message, field }]),
  /** Every field that is wrong, under the kind's name as a real server says it. */
  invalidFields: (type: Named & { readonly kind: string }, name: string, causes: readonly StatusCause[]): ApiError => {
    const said = causes.map(({ field, message }) => `${field}: ${message}`);
    const list = said.length === 1 ? said[0] : `[${said.join(", ")}]`;
    const kind = type.group === "" ? type.kind : `${type.kind}.${type.group}`;
    const details = { ...detailsOf(type, name), kind: type.kind, causes };
    return new ApiError(422, "Invalid", `${kind} "${name}" is invalid: ${list}`, details);
  },
  /** Options of a request that do not go together. */
  invalidOptions: (kind: string, cause: StatusCause): ApiError =>
    new ApiError(422, "Invalid", `${kind}.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`, {
      group: "meta.k8s.io",
      kind,
      causes: [cause],
    }),
  tooLargeVersion: (requested: number, current: number): ApiError =>
    new ApiError(504, "Timeout", `Too large resource version: ${requested}, current: ${current}`, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    }),
};
