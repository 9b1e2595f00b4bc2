// What a request to write asks for: who writes what and how far, what a patch changes, and what is said of fields that nobody knows.
import type { Verb } from "../http/catalog.ts";
import type { ResourceRequest } from "../http/engine.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import type { DeleteOptions } from "./deletion.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicPatch } from "./strategic-patch.ts";
import type { WriteTarget } from "./writes.ts";

const maxNamedFields = 50;
const applyPatchType = "application/apply-patch+yaml";

type Patches = Readonly<Record<string, (target: unknown, patch: unknown) => unknown>>;
const customPatches: Patches = {
  "application/merge-patch+json": mergePatch,
  "application/json-patch+json": jsonPatch,
};
const builtInPatches: Patches = { ...customPatches, "application/strategic-merge-patch+json": strategicPatch };

/** Whether a patch is to be applied as a configuration, and by force. Throws ApiError 422 for options that do not go with it. */
export function applyOf({ contentType, query }: ResourceRequest): { readonly force: boolean } | undefined {
  const force = query.get("force");
  if (contentType !== applyPatchType) {
    if (force === null) return undefined;
    const message = "Forbidden: may not be specified for non-apply patch";
    throw apiErrors.invalidOptions("PatchOptions", { reason: "FieldValueForbidden", message, field: "force" });
  }
  if (!query.get("fieldManager")) {
    const message = "Required value: is required for apply patch";
    throw apiErrors.invalidOptions("PatchOptions", { reason: "FieldValueRequired", message, field: "fieldManager" });
  }
  return { force: force === "true" };
}

/** What the patch makes of what it is applied to. Throws ApiError 415 for a form that the type does not take. */
export function patchOf({ type, contentType, body }: ResourceRequest): (current: unknown) => unknown {
  const patches = type.builtIn ? builtInPatches : customPatches;
  const apply = patches[contentType];
  if (apply !== undefined) return (current) => apply(current, body);
  const known = [...Object.keys(patches), applyPatchType].join(", ");
  const message = `the body of the request was in an unknown format - accepted media types include: ${known}`;
  throw new ApiError(415, "UnsupportedMediaType", message);
}

/** What is written, and the warnings that the write collects. Throws ApiError 400 for a wrong `fieldValidation`. */
export function writeTarget(request: ResourceRequest): {
  readonly target: WriteTarget;
  readonly warnings: readonly string[];
} {
  const { type, namespace, name, subresource, query, userAgent, duplicateFields = [] } = request;
  const warnings: string[] = [];
  const validation = query.get("fieldValidation") || "Warn";
  checkOption(request, "fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]);
  const onUnknownFields = (fields: readonly string[]): void =>
    say(fields.toSorted().map((field) => `unknown field ${JSON.stringify(field)}`));
  const say = (problems: readonly string[]): void => {
    const said = problems.slice(0, maxNamedFields);
    if (validation === "Warn") warnings.push(...said);
    if (validation !== "Strict") return;
    const what = `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
    throw apiErrors.badRequest(`${what}: strict decoding error: ${said.join(", ")}`);
  };
  if (duplicateFields.length > 0) say(duplicateFields.map((field) => `duplicate field ${JSON.stringify(field)}`));
  for (const asked of query.getAll("dryRun")) checkOption(request, "dryRun", asked, ["All"]);
  const dryRun = query.getAll("dryRun").includes("All");
  const manager = query.get("fieldManager") || userAgentManager(userAgent);
  if (manager.length > maxManagerLength) {
    const message = `Too long: may not be more than ${maxManagerLength} bytes`;
    throw apiErrors.invalidOptions("PatchOptions", { reason: "FieldValueTooLong", message, field: "fieldManager" });
  }
  return { target: { type, namespace, name, subresource, dryRun, manager, onUnknownFields }, warnings };
}

const optionKinds: Readonly<Partial<Record<Verb, string>>> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
  delete: "DeleteOptions",
};

function checkOption({ verb }: ResourceRequest, field: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const shown = JSON.stringify(field === "dryRun" ? [value] : value);
  const message = `Unsupported value: ${shown}: supported values: ${known.map((one) => JSON.stringify(one)).join(", ")}`;
  const cause = { reason: "FieldValueNotSupported", message, field };
  throw apiErrors.invalidOptions(optionKinds[verb] ?? "DeleteOptions", cause);
}

const maxManagerLength = 128;

/** Who does not say who it is goes by the name of its program. */
const userAgentManager = (userAgent: string): string =>
  (userAgent.split("/", 1)[0] ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, maxManagerLength) || "unknown";

/** What a delete asks for: query parameters, which the body overrides. */
export function deleteOptionsOf({ query, body }: ResourceRequest): DeleteOptions {
  const policy = query.get("propagationPolicy");
  return { ...(policy ? { propagationPolicy: policy } : {}), ...(body as DeleteOptions | undefined) };
}
