// JSON patch, RFC 6902. Pure: the target is not changed. Patches have at most 10,000 operations.
import { isDeepStrictEqual } from "node:util";
import { ApiError, apiErrors } from "../http/status.ts";

const maxOperations = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** Throws ApiError 413 beyond the limit, 400 for what is no patch, 422 for one that does not fit the target. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw apiErrors.badRequest("a JSON patch must be a list of operations");
  if (patch.length > maxOperations) {
    throw new ApiError(413, "RequestEntityTooLarge", `a JSON patch can have at most ${maxOperations} operations`);
  }
  // A container of its own, so that the whole document can be replaced like any member.
  const root = { document: structuredClone(target) };
  for (const operation of patch as readonly Operation[]) run(root, operation);
  return root.document;
}

function run(root: object, { op, path, from, value }: Operation): void {
  switch (op) {
    case "add":
      add(root, path, structuredClone(value));
      return;
    case "replace":
      replace(root, path, structuredClone(value));
      return;
    case "remove":
      remove(root, path);
      return;
    case "move":
      add(root, path, remove(root, from ?? ""));
      return;
    case "copy":
      add(root, path, structuredClone(read(root, from ?? "")));
      return;
    case "test":
      if (!isDeepStrictEqual(read(root, path), value)) throw misfit(`testing value ${path} failed`);
      return;
    default:
      throw misfit(`a JSON patch has no operation ${JSON.stringify(op)}`);
  }
}

const misfit = (message: string): ApiError =>
  new ApiError(422, "Invalid", `the server rejected our request: ${message}`);

/** The container of what a pointer points at, and its key there. */
function locate(root: object, pointer: string): { readonly parent: object; readonly key: string } {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
    throw apiErrors.badRequest(`path: must be a JSON pointer, not ${JSON.stringify(pointer)}`);
  }
  const steps = [
    "document",
    ...pointer
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")),
  ];
  let parent: unknown = root;
  for (const step of steps.slice(0, -1)) parent = memberOf(parent, step);
  if (typeof parent !== "object" || parent === null) throw misfit(`doc is missing path: ${pointer}`);
  return { parent, key: steps.at(-1) as string };
}

function memberOf(parent: unknown, key: string): unknown {
  if (typeof parent !== "object" || parent === null || !Object.hasOwn(parent, key)) return undefined;
  return (parent as Record<string, unknown>)[key];
}

function read(root: object, pointer: string): unknown {
  const { parent, key } = locate(root, pointer);
  const value = memberOf(parent, key);
  if (value === undefined) throw misfit(`doc is missing path: ${pointer}`);
  return value;
}

function remove(root: object, pointer: string): unknown {
  const value = read(root, pointer);
  const { parent, key } = locate(root, pointer);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete (parent as Record<string, unknown>)[key];
  return value;
}

/** As a real server does, and unlike the RFC: a member that is not there is added. */
function replace(root: object, pointer: string, value: unknown): void {
  const { parent } = locate(root, pointer);
  if (Array.isArray(parent)) remove(root, pointer);
  add(root, pointer, value);
}

function add(root: object, pointer: string, value: unknown): void {
  const { parent, key } = locate(root, pointer);
  if (!Array.isArray(parent)) {
    // A key is data, also when it is called __proto__.
    Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const at = key === "-" ? parent.length : /^\d{1,6}$/.test(key) ? Number(key) : -1;
  if (at < 0 || at > parent.length) throw misfit(`index out of bounds: ${pointer}`);
  parent.splice(at, 0, value);
}
