// Objects as clients send them: checked against the path they were sent to before any rule looks at them.
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";
import { apiErrors } from "../http/status.ts";

/** Metadata of a body: the name is there and well formed, the rest is the client's. */
export interface IncomingMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

export interface IncomingObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: IncomingMeta;
  readonly status?: unknown;
  readonly [member: string]: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Checks that `body` is an object of this type for this path (`name` "" on create) and drops nulls in its metadata.
 * Throws ApiError 400 or 422.
 */
export function readIncoming(
  type: ResourceType,
  body: unknown,
  path: { readonly namespace: string; readonly name: string },
): IncomingObject {
  if (!isObject(body)) throw apiErrors.badRequest("the body of the request must be a JSON object");
  // Typed clients of built-in kinds may leave both out; custom resources must say what they are.
  const { apiVersion = type.builtIn ? apiVersionOf(type) : undefined, kind = type.builtIn ? type.kind : undefined } =
    body;
  if (apiVersion !== apiVersionOf(type)) {
    throw apiErrors.badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(type)})`,
    );
  }
  if (kind !== type.kind) {
    throw apiErrors.badRequest(`the kind in the data (${kind}) does not match the expected kind (${type.kind})`);
  }
  const metadata = readMetadata(body["metadata"]);
  const { name, namespace } = metadata;
  if (path.name !== "" && name !== path.name) {
    throw apiErrors.badRequest(`the name of the object (${name}) does not match the name on the URL (${path.name})`);
  }
  if (namespace !== undefined && namespace !== path.namespace) {
    throw apiErrors.badRequest(
      `the namespace of the provided object does not match the namespace sent on the request: ${namespace}`,
    );
  }
  checkName(type, name);
  checkStringMap(type, metadata, "labels");
  checkStringMap(type, metadata, "annotations");
  checkSizes(type, metadata);
  checkOwners(type, metadata);
  return { ...body, apiVersion, kind, metadata };
}

function readMetadata(value: unknown): IncomingMeta {
  if (value !== undefined && !isObject(value)) throw apiErrors.badRequest("metadata: must be an object");
  const entries = Object.entries(value ?? {}).filter(([, member]) => member !== null);
  const metadata = Object.fromEntries(entries) as unknown as IncomingMeta;
  for (const member of ["name", "namespace", "uid", "resourceVersion"] as const) {
    const text: unknown = metadata[member];
    if (text !== undefined && typeof text !== "string") {
      throw apiErrors.badRequest(`metadata.${member}: must be a string`);
    }
  }
  // Go's zero values: an empty string says nothing.
  const { resourceVersion, uid, namespace, ...rest } = metadata;
  return {
    ...rest,
    ...(namespace ? { namespace } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(uid ? { uid } : {}),
  };
}

const dns1123Subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const maxNameLength = 253;

function checkName(type: ResourceType, name: string | undefined): void {
  if (name === undefined || name === "") {
    throw apiErrors.invalid(type, "", "metadata.name", "Required value: name or generateName is required");
  }
  if (type.group === "rbac.authorization.k8s.io") {
    // Any segment of a path will do.
    if (!/[/%]/.test(name) && name !== "." && name !== "..") return;
    throw apiErrors.invalid(
      type,
      name,
      "metadata.name",
      `Invalid value: ${JSON.stringify(name)}: may not contain '/' or '%'`,
    );
  }
  if (name.length > maxNameLength || !dns1123Subdomain.test(name)) {
    const message = `Invalid value: ${JSON.stringify(name.slice(0, maxNameLength))}: must be a lower case DNS name of at most ${maxNameLength} characters`;
    throw apiErrors.invalid(type, name, "metadata.name", message);
  }
}

function checkStringMap(type: ResourceType, metadata: IncomingMeta, member: "labels" | "annotations"): void {
  const map: unknown = metadata[member];
  if (map === undefined) return;
  if (!isObject(map) || Object.values(map).some((value) => typeof value !== "string")) {
    throw apiErrors.badRequest(`${type.kind} cannot be handled: metadata.${member}: must be a map of strings`);
  }
}

function checkOwners(type: ResourceType, metadata: IncomingMeta): void {
  const { ownerReferences } = metadata as { readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[] };
  if (!Array.isArray(ownerReferences)) return;
  for (const owner of ownerReferences) {
    const empty = ["apiVersion", "kind", "name", "uid"].find((member) => !owner?.[member]);
    if (empty === undefined) continue;
    const message = 'Invalid value: "": must not be empty';
    throw apiErrors.invalid(type, metadata.name, `metadata.ownerReferences.${empty}`, message);
  }
}

const maxAnnotationBytes = 256 * 1024;
const labelPart = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** A name of at most 63 characters, with a DNS name before it or without. */
function isQualifiedName(key: string): boolean {
  const [prefix, name, ...more] = key.includes("/") ? key.split("/") : [undefined, key];
  const isPrefix = prefix === undefined || (prefix.length <= maxNameLength && dns1123Subdomain.test(prefix));
  return more.length === 0 && isPrefix && name !== "" && labelPart.test(name ?? "");
}

function checkSizes(type: ResourceType, { name, labels = {}, annotations = {} }: IncomingMeta): void {
  const refuse = (field: string, message: string, reason = "FieldValueInvalid"): never => {
    throw apiErrors.invalidFields(type, name, [{ reason, message, field }]);
  };
  const keyRule = "name part must be at most 63 letters, digits, '-', '_' or '.', after an optional DNS prefix and '/'";
  let bytes = 0;
  for (const [key, value] of Object.entries(labels)) {
    const shown = (text: string): string => JSON.stringify(text.slice(0, maxNameLength));
    if (!isQualifiedName(key)) refuse("metadata.labels", `Invalid value: ${shown(key)}: ${keyRule}`);
    if (labelPart.test(value)) continue;
    refuse("metadata.labels", `Invalid value: ${shown(value)}: must be at most 63 letters, digits, '-', '_' or '.'`);
  }
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    const isValid = isQualifiedName(key.toLowerCase());
    if (!isValid)
      refuse("metadata.annotations", `Invalid value: ${JSON.stringify(key.slice(0, maxNameLength))}: ${keyRule}`);
  }
  if (bytes > maxAnnotationBytes) {
    const message = `Too long: may not be more than ${maxAnnotationBytes} bytes`;
    refuse("metadata.annotations", message, "FieldValueTooLong");
  }
}

const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const maxBaseLength = 58;

/** The server's answer to generateName: the base, cut, with five characters that hold no vowel. */
export function generateName(base: string, hash: number): string {
  let suffix = "";
  for (let i = 0, left = hash; i < 5; i++, left = Math.floor(left / suffixAlphabet.length)) {
    suffix += suffixAlphabet[left % suffixAlphabet.length];
  }
  return base.slice(0, maxBaseLength) + suffix;
}
